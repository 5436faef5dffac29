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

impl Tokens {
    /// Returns the sum of several usages; `None` if there are none.
    pub fn sum(usages: impl IntoIterator<Item = Self>) -> Option<Self> {
        usages.into_iter().reduce(|sum, more| Self {
            input: sum.input.saturating_add(more.input),
            cached: sum.cached.saturating_add(more.cached),
            output: sum.output.saturating_add(more.output),
            reasoning: sum.reasoning.saturating_add(more.reasoning),
            total: sum.total.saturating_add(more.total),
        })
    }
}
