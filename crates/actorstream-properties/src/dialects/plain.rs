//! `Answer`: a well-formed answer as a model of what is said, before anybody writes it down.

use fastrand::Rng;

/// The endpoint that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Chat completions.
    Chat,
    /// Text completions.
    Completions,
    /// Responses.
    Responses,
}

/// How the stream of an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// With everything that the endpoint sends at the end.
    Complete,
    /// Before that: the body ends cleanly, and the answer is not complete.
    Cut,
    /// With an error in the stream.
    Error,
}

/// A well-formed answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Who answers.
    pub endpoint: Endpoint,
    /// The choices, of which a response has one.
    pub choices: Vec<Choice>,
    /// The tokens, if the server counts them.
    pub usage: Option<Counts>,
    /// How the stream ends.
    pub close: Close,
}

/// One of the answers asked for.
#[derive(Debug, Clone)]
pub struct Choice {
    /// What it is made of, in order. A completion has one message.
    pub items: Vec<Item>,
    /// Why it ended; `None` if it has not.
    pub reason: Option<&'static str>,
}

/// A part of a choice: what is an item of its own in a response.
#[derive(Debug, Clone)]
pub enum Item {
    /// Reasoning, in pieces.
    Reasoning(Vec<String>),
    /// Texts and refusals.
    Message(Vec<Part>),
    /// The call of a tool.
    Call(Call),
}

/// A part of a message.
#[derive(Debug, Clone)]
pub struct Part {
    /// Whether it is a refusal, and no text.
    pub refusal: bool,
    /// The pieces it comes in, none of them empty.
    pub pieces: Vec<String>,
}

/// The call of a tool.
#[derive(Debug, Clone)]
pub struct Call {
    /// The id, which no other call of the answer has.
    pub id: String,
    /// The name of the tool.
    pub name: &'static str,
    /// Whether the tool takes free text, and no JSON.
    pub custom: bool,
    /// The pieces its arguments come in.
    pub pieces: Vec<String>,
}

/// Tokens.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    /// Of the prompt, and of these those in the cache.
    pub input: [u64; 2],
    /// Of the answer, and of these those of reasoning.
    pub output: [u64; 2],
}

impl Counts {
    /// All together.
    pub fn total(&self) -> u64 {
        self.input[0] + self.output[0]
    }
}

/// What answers are made of: words, and what readers stumble over.
const WORDS: [&str; 18] = [
    "Hello",
    " world",
    "é",
    "😀",
    " 👩\u{200d}💻 ",
    "\n",
    "\n\n",
    "data: [DONE]\n\n",
    "[DONE]",
    "{\"a\":",
    "}",
    "null",
    "\\ud83d",
    "\"",
    "a",
    " ",
    "\u{2028}",
    "<think>",
];
const NAMES: [&str; 4] = ["get_weather", "f", "get_time", "sql"];
const REASONS: [&str; 5] = ["stop", "stop", "stop", "length", "content_filter"];

impl Answer {
    /// A random answer; the larger `size`, the more there is of everything.
    pub fn random(endpoint: Endpoint, size: usize, random: &mut Rng) -> Self {
        let close = match random.u8(..10) {
            0 | 1 => Close::Cut,
            2 | 3 => Close::Error,
            _ => Close::Complete,
        };
        let many = endpoint != Endpoint::Responses && size > 1 && random.u8(..4) == 0;
        let choices = if many { random.usize(2..=3) } else { 1 };
        let mut calls = 0;
        let choices = (0..choices).map(|_| Choice::random(endpoint, size, &mut calls, random)).collect();
        let usage = random.bool().then(|| {
            let [input, output] = [random.u64(1..100), random.u64(1..100)];
            Counts { input: [input, random.u64(..=input)], output: [output, random.u64(..=output)] }
        });
        let mut answer = Self { endpoint, choices, usage, close };
        if close != Close::Complete {
            answer.cut(random);
        }
        answer
    }

    /// Takes away what does not come any more.
    fn cut(&mut self, random: &mut Rng) {
        // An error may come behind everything else; what is cut misses something.
        let everything = self.close == Close::Error && random.bool();
        if everything {
            return;
        }
        self.usage = self.usage.filter(|_| random.bool());
        if self.close == Close::Error && random.u8(..4) == 0 {
            self.usage = None;
            self.choices.clear();
            return;
        }
        let cut = random.usize(..self.choices.len());
        for (at, choice) in self.choices.iter_mut().enumerate() {
            if at < cut || (at > cut && random.bool()) {
                continue;
            }
            choice.reason = None;
            choice.items.truncate(random.usize(..=choice.items.len()));
            if let Some(pieces) = choice.items.last_mut().and_then(Item::last_pieces) {
                pieces.truncate(random.usize(..=pieces.len()));
            }
        }
    }

    /// The tool calls of a choice.
    pub fn calls(&self, choice: usize) -> impl Iterator<Item = &Call> {
        let items = self.choices.get(choice).into_iter().flat_map(|choice| &choice.items);
        items.filter_map(|item| if let Item::Call(call) = item { Some(call) } else { None })
    }
}

impl Item {
    fn last_pieces(&mut self) -> Option<&mut Vec<String>> {
        match self {
            Self::Reasoning(pieces) => Some(pieces),
            Self::Message(parts) => parts.last_mut().map(|part| &mut part.pieces),
            Self::Call(call) => Some(&mut call.pieces),
        }
    }
}

impl Choice {
    fn random(endpoint: Endpoint, size: usize, calls: &mut usize, random: &mut Rng) -> Self {
        let pieces = |random: &mut Rng| pieces(size, random);
        let mut items = Vec::new();
        let mut reason = random.choice(REASONS).unwrap_or("stop");
        if endpoint == Endpoint::Completions {
            return Self {
                items: vec![Item::Message(vec![Part { refusal: false, pieces: pieces(random) }])],
                reason: Some(reason),
            };
        }
        if random.u8(..3) == 0 {
            items.push(Item::Reasoning(pieces(random)));
        }
        if random.u8(..6) != 0 {
            let parts = if endpoint == Endpoint::Responses && random.u8(..5) == 0 { 2 } else { 1 };
            let part = |random: &mut Rng| Part { refusal: random.u8(..8) == 0, pieces: pieces(random) };
            items.push(Item::Message((0..parts).map(|_| part(random)).collect()));
        }
        if size > 0 && random.u8(..2) == 0 {
            for _ in 0..random.usize(1..=3) {
                items.push(Item::Call(Call::random(*calls, size, random)));
                *calls += 1;
            }
            if reason == "stop" && endpoint == Endpoint::Chat {
                reason = "tool_calls";
            }
        }
        Self { items, reason: Some(reason) }
    }
}

impl Call {
    fn random(number: usize, size: usize, random: &mut Rng) -> Self {
        let custom = random.u8(..6) == 0;
        let arguments = match random.u8(..6) {
            _ if custom => pieces(size, random).concat(),
            0 => String::new(),
            1 => "{}".to_owned(),
            2 => serde_json::json!({"a": [1, {"b": pieces(1, random).concat()}], "c": {}}).to_string(),
            _ => serde_json::json!({"x": random.u8(..), "y": pieces(1, random).concat()}).to_string(),
        };
        let name = random.choice(NAMES).unwrap_or("f");
        Self { id: format!("call_{number}"), name, custom, pieces: broken(&arguments, size + 1, random) }
    }
}

fn pieces(size: usize, random: &mut Rng) -> Vec<String> {
    (0..random.usize(1..=size + 1)).map(|_| random.choice(WORDS).unwrap_or("a").to_owned()).collect()
}

/// A text in at most so many pieces, none of them empty.
pub fn broken(text: &str, most: usize, random: &mut Rng) -> Vec<String> {
    let mut rest = text;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let places: Vec<usize> = rest.char_indices().map(|(at, _)| at).skip(1).chain([rest.len()]).collect();
        let to = if pieces.len() + 1 >= most { rest.len() } else { places[random.usize(..places.len())] };
        pieces.push(rest[..to].to_owned());
        rest = &rest[to..];
    }
    pieces
}
