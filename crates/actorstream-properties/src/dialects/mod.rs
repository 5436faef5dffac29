//! A stream says the same in every dialect: what servers do otherwise than OpenAI, in any composition, changes neither its end
//! nor its texts, reasoning, refusals, calls and usage.
//!
//! `plain` makes up an answer, `chat`, `completions` and `responses` write it as OpenAI streams it, and each of
//! the `accents` changes something that servers change without changing what it means. A `composition` of them is played
//! to a session, and what that says is compared with what the answer means.

pub mod accents;
mod chat;
mod check;
mod completions;
pub mod composition;
mod json;
mod meaning;
pub mod plain;
mod responses;
pub mod stream;

use composition::Composition;

/// See the module. The input chooses the answer and the accents.
///
/// # Panics
/// With the least composition that shows it, where a stream says something else than it means.
pub fn check(input: &[u8]) {
    if let Err(finding) = Composition::read(input).check() {
        panic!("{finding}");
    }
}

/// Compositions to begin with.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(0);
    (0..64).map(|_| Composition::random(&mut random).bytes()).collect()
}
