//! `Tokens`: the token usage of a response.

/// The token usage of a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tokens {
    /// Tokens of the prompt.
    pub input: u64,
    /// The cached tokens among the input.
    pub cached: u64,
    /// Tokens of the response.
    pub output: u64,
    /// The reasoning tokens among the output.
    pub reasoning: u64,
    /// The total.
    pub total: u64,
}
