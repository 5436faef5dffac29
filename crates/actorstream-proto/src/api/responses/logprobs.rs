//! The log probabilities of a text, which are read when they are looked at.

use super::generated::ResponseLogProb;
use crate::json::deferred::Defer;

impl Defer for Vec<ResponseLogProb> {
    const BRACKET: u8 = b'[';

    fn none() -> &'static Self {
        static NONE: Vec<ResponseLogProb> = Vec::new();
        &NONE
    }

    fn add(&mut self, later: Self) {
        self.extend(later);
    }

    fn has(open: u8, name: &[u8]) -> bool {
        match open {
            // Of a token, and of a likely one in its list.
            2 => matches!(name, b"token" | b"logprob" | b"top_logprobs"),
            4 => matches!(name, b"token" | b"logprob"),
            _ => false,
        }
    }
}
