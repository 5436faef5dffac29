//! What calls cost: amounts of money, and prices of models.

mod amount;
mod prices;

pub use amount::{Amount, AmountError};
pub use prices::{Price, Prices};
