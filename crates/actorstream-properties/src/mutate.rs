//! `Generator`: inputs from a seed, for whoever has no fuzzer: real answers, cut up, spliced and damaged.

use fastrand::Rng;

/// What servers send that readers stumble over.
const PIECES: &[&str] = &[
    "\n\n",
    "\r\n",
    "\r",
    "\n",
    ":",
    ": ",
    "data:",
    "data: ",
    "event: error\n",
    "data: [DONE]\n\n",
    "id: 1\n",
    "\u{feff}",
    "\0",
    "\"",
    "\\",
    "\\u",
    "\\ud83d",
    "\\ude00",
    "\\u0000",
    "{",
    "}",
    "[",
    "]",
    ",",
    "null",
    "true",
    "-1",
    "1e999",
    "18446744073709551616",
    "4000000000",
    "2147483648",
    "1.5",
    "\"error\":",
    "\"error\":null",
    "\"index\":7,",
    "\"finish_reason\":\"stop\"",
    "\"content\":\"x\"",
    "\"content\":null,",
    "\"tool_calls\":[{}],",
    "\"name\":\"f\",",
    "\"id\":\"i\",",
    "\"x\":\"unknown\",",
    "\"extra\":[1,{\"a\":2}],",
    "é",
    "😀",
    "sk-SECRET",
    "\u{1}",
    "\"logprobs\":{\"content\":[{\"token\":\"t\",\"bytes\":[1,2]}]},",
    "\"output_index\":1,",
    "\"content_index\":9,",
    "\"sequence_number\":3,",
    "\"type\":\"error\",",
    "\"type\":\"response.output_text.delta\",",
    "\"delta\":\"d\",",
];

/// Makes inputs.
#[derive(Debug)]
pub struct Generator {
    seeds: Vec<Vec<u8>>,
    random: Rng,
}

impl Generator {
    /// A generator that begins with these, of which there must be one.
    pub fn new(seeds: Vec<Vec<u8>>, seed: u64) -> Self {
        Self { seeds, random: Rng::with_seed(seed) }
    }

    /// The next input: at most some KiB, so that many fit in a second.
    pub fn input(&mut self) -> Vec<u8> {
        const MOST: usize = 6 << 10;
        let random = &mut self.random;
        let mut input = self.seeds[random.usize(..self.seeds.len())].clone();
        if input.len() > MOST {
            // The choices at the front stay.
            let from = random.usize(8..input.len() - MOST / 2);
            input.drain(8..from);
            input.truncate(MOST);
        }
        if random.u8(..4) == 0 {
            for byte in input.iter_mut().take(7) {
                *byte = random.u8(..);
            }
        }
        for _ in 0..random.usize(..6) {
            self.damage(&mut input);
        }
        input
    }

    fn damage(&mut self, input: &mut Vec<u8>) {
        let random = &mut self.random;
        if input.is_empty() {
            return;
        }
        let at = random.usize(..input.len());
        let to = (at + random.usize(..40)).min(input.len());
        match random.u8(..7) {
            0 => drop(input.drain(at..to)),
            1 => input[at] = random.u8(..),
            2 | 3 => {
                let piece = PIECES[random.usize(..PIECES.len())];
                input.splice(at..at, piece.bytes());
            }
            4 => {
                let piece = PIECES[random.usize(..PIECES.len())];
                input.splice(at..to, piece.bytes());
            }
            5 => {
                // The same again, as a server that repeats itself.
                let again = input[at..].to_vec();
                input.splice(at..at, again.into_iter().take(300));
            }
            _ => {
                let other = &self.seeds[random.usize(..self.seeds.len())];
                let from = random.usize(..=other.len());
                let piece: Vec<u8> = other[from..].iter().copied().take(200).collect();
                input.splice(at..at, piece);
            }
        }
    }
}
