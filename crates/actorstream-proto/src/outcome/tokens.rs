//! `Tokens`: the token usage of a response.

/// The token usage of a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tokens {
    /// Tokens of the prompt.
    pub input: u64,
    /// Of these, cached tokens.
    pub cached: u64,
    /// Tokens of the response.
    pub output: u64,
    /// Of these, reasoning tokens.
    pub reasoning: u64,
    /// The total.
    pub total: u64,
}
