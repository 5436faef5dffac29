//! `Composition`: an answer, and the accents in which it is streamed; all of it is chosen by a few bytes.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;

use super::accents::{ALL, Accent};
use super::check::check;
use super::plain::{Answer, Endpoint};
use super::stream::Stream;

/// The most accents that one composition has.
const MOST: usize = 12;

/// An answer and its accents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composition {
    endpoint: u8,
    size: u8,
    answer: u16,
    /// How the bytes are written and cut into reads.
    wire: u16,
    /// The number of each accent, and a seed for what it does.
    accents: Vec<(u8, u16)>,
}

/// A composition whose stream did not say what it means.
#[derive(Debug)]
pub struct Finding {
    /// The least composition that shows it.
    pub least: Composition,
    /// What is wrong.
    pub what: String,
    /// The body.
    pub body: String,
    /// The accents that it has.
    pub names: Vec<&'static str>,
}

impl Composition {
    /// Reads a composition off the front of these bytes.
    pub fn read(bytes: &[u8]) -> Self {
        let mut bytes = bytes.iter().copied();
        let mut byte = || bytes.next();
        let mut next = || byte().unwrap_or(0);
        let (endpoint, size) = (next() % 3, next() % 6);
        let [answer, wire] = [[next(), next()], [next(), next()]].map(u16::from_le_bytes);
        let mut accents = Vec::new();
        while let (Some(number), true) = (byte(), accents.len() < MOST) {
            let seed = [byte().unwrap_or(0), byte().unwrap_or(0)];
            accents.push((number, u16::from_le_bytes(seed)));
        }
        Self { endpoint, size, answer, wire, accents }
    }

    /// The bytes that choose this composition.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.endpoint, self.size];
        bytes.extend(self.answer.to_le_bytes());
        bytes.extend(self.wire.to_le_bytes());
        for (number, seed) in &self.accents {
            bytes.push(*number);
            bytes.extend(seed.to_le_bytes());
        }
        bytes
    }

    /// A random composition.
    pub fn random(random: &mut Rng) -> Self {
        let endpoint = random.choice([0, 0, 1, 2, 2]).unwrap_or(0);
        let accents = (0..random.usize(..=MOST)).map(|_| (random.u8(..), random.u16(..))).collect();
        Self { endpoint, size: random.u8(..6), answer: random.u16(..), wire: random.u16(..), accents }
    }

    /// The endpoint that answers.
    pub fn endpoint(&self) -> Endpoint {
        [Endpoint::Chat, Endpoint::Completions, Endpoint::Responses][usize::from(self.endpoint) % 3]
    }

    /// The stream, and the names of the accents that found something to change, in the order in which they did.
    fn stream(&self) -> (Stream, Vec<&'static str>) {
        let endpoint = self.endpoint();
        let mut random = Rng::with_seed(self.answer.into());
        let mut stream = Stream::plain(Answer::random(endpoint, self.size.into(), &mut random));
        let spoken: Vec<&Accent> = ALL.iter().filter(|accent| accent.endpoints.contains(&endpoint)).collect();
        let mut accents: Vec<(&Accent, u16)> = self
            .accents
            .iter()
            .map(|(number, seed)| (spoken[usize::from(*number) % spoken.len()], *seed))
            .collect();
        accents.sort_by_key(|(accent, _)| accent.layer);
        let mut names = Vec::new();
        for (accent, seed) in accents {
            if stream.body.is_none() && (accent.apply)(&mut stream, &mut Rng::with_seed(seed.into())) {
                names.push(accent.name);
            }
        }
        (stream, names)
    }

    /// Plays the composition.
    ///
    /// # Errors
    /// What is wrong, and the body.
    pub fn play(&self) -> Result<Vec<&'static str>, (String, String, Vec<&'static str>)> {
        let (stream, names) = self.stream();
        let mut random = Rng::with_seed(self.wire.into());
        let body = stream.bytes(&mut random);
        let checked = catch_unwind(AssertUnwindSafe(|| check(&stream, &body, &mut random)));
        let checked = checked.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            Err(text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default())
        });
        match checked {
            Ok(()) => Ok(names),
            Err(what) => Err((what, body, names)),
        }
    }

    /// What is wrong with the composition, in the fewest accents that show it.
    ///
    /// # Errors
    /// The finding.
    pub fn check(&self) -> Result<Vec<&'static str>, Box<Finding>> {
        let Err((mut what, mut body, mut names)) = self.play() else {
            return self.play().map_err(|_| unreachable!());
        };
        let mut least = self.clone();
        let mut again = true;
        while std::mem::take(&mut again) {
            for smaller in least.clone().smaller() {
                if let Err(still) = smaller.play() {
                    (what, body, names) = still;
                    (least, again) = (smaller, true);
                    break;
                }
            }
        }
        Err(Box::new(Finding { least, what, body, names }))
    }

    /// Compositions that are a little smaller.
    fn smaller(&self) -> impl Iterator<Item = Self> + '_ {
        let without = (0..self.accents.len()).map(|at| {
            let mut smaller = self.clone();
            smaller.accents.remove(at);
            smaller
        });
        let sizes = (0..self.size).map(|size| Self { size, ..self.clone() });
        let wire = (self.wire != 0).then(|| Self { wire: 0, ..self.clone() });
        let answers = (0..self.answer.min(60)).map(|answer| Self { answer, ..self.clone() });
        without.chain(wire).chain(sizes).chain(answers)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex: String = self.least.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(f, "a stream that says something else than it means: {}", self.what)?;
        writeln!(f, "endpoint: {:?}; accents: {:?}; composition: {hex}", self.least.endpoint(), self.names)?;
        write!(f, "{}", self.body.escape_debug().to_string().replace("\\n", "\n").replace("\\\"", "\""))
    }
}
