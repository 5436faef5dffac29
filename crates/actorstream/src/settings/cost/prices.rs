//! `Prices`: what the tokens of models cost.

use std::collections::HashMap;
use std::sync::Arc;

use actorstream_proto::outcome::tokens::Tokens;

use super::amount::Amount;

/// What tokens of one model cost, for each million of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    input: Amount,
    cached: Amount,
    output: Amount,
}

impl Price {
    /// A price for a million tokens of the prompt, and for a million of the response, reasoning included. Cached tokens of the prompt
    /// cost as much as others.
    pub fn per_million(input: Amount, output: Amount) -> Self {
        Self { input, cached: input, output }
    }

    /// Sets the price for a million cached tokens of the prompt.
    #[must_use]
    pub fn cached(mut self, cached: Amount) -> Self {
        self.cached = cached;
        self
    }

    /// Returns what this usage costs.
    pub fn cost(&self, tokens: &Tokens) -> Amount {
        let cached = tokens.cached.min(tokens.input);
        self.input.for_tokens(tokens.input - cached)
            + self.cached.for_tokens(cached)
            + self.output.for_tokens(tokens.output)
    }
}

/// A table of prices by model. The application supplies it, since prices change.
///
/// ```
/// use actorstream::{OpenAi, Price, Prices};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let price = Price::per_million("1.25".parse()?, "10".parse()?).cached("0.125".parse()?);
/// let openai = OpenAi::builder().api_key("a key").prices(Prices::new().model("gpt-6-luna", price)).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prices(Arc<HashMap<String, Price>>);

impl Prices {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the price of a model, by the name that requests or responses have. The name in the response, which may be more precise,
    /// counts before that in the request.
    #[must_use]
    pub fn model(mut self, name: impl Into<String>, price: Price) -> Self {
        Arc::make_mut(&mut self.0).insert(name.into(), price);
        self
    }

    /// Returns the price of the first of these models that has one.
    pub fn find<'a>(&self, models: impl IntoIterator<Item = &'a str>) -> Option<Price> {
        models.into_iter().find_map(|model| self.0.get(model)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_cost_what_the_table_says() {
        let amount = |text: &str| text.parse::<Amount>().unwrap();
        let price = Price::per_million(amount("1.25"), amount("10"));
        let mut tokens = Tokens::default();
        (tokens.input, tokens.cached, tokens.output) = (1_000, 600, 7);
        assert_eq!(price.cost(&tokens), amount("0.00132"));
        assert_eq!(price.cached(amount("0.125")).cost(&tokens), amount("0.000645"));
        // A server that counts cached tokens apart reports more of them than there are.
        tokens.cached = 5_000;
        assert_eq!(price.cached(Amount::ZERO).cost(&tokens), amount("0.00007"));
        let prices = Prices::new().model("m", price).model("m-2026", price.cached(Amount::ZERO));
        assert_eq!(prices.find(["m-2026", "m"]), Some(price.cached(Amount::ZERO)));
        assert_eq!((prices.find(["m-2027", "m"]), prices.find(["other"])), (Some(price), None));
    }
}
