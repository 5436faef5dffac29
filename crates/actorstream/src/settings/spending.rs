//! `SpendLimits`: limits on what owners spend.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::settings::cost::Amount;
use crate::settings::observer::{
    BeforeFuture, Denied, ObservedCall, ObservedEnd, ObservedRequest, Observer, Purpose,
};

/// How many owners without a limit of their own are remembered.
const MAX_OWNERS: usize = 100_000;

/// An observer that limits what each owner spends. A request of an owner whose limit is reached is not sent, and its stream ends with
/// [`Denied`](crate::ErrorKind::Denied).
///
/// A call counts when it has ended, with the cost of its reported usage, so the client needs [`prices`](crate::OpenAiBuilder::prices),
/// and chats and completions need `include_usage`. What another observer answers costs nothing. Calls that run when the limit is
/// reached run to their ends. The owner is that of [`owner`](crate::Call::owner); calls without one are not limited, and what owners
/// without a limit spend is not counted. The amounts are in memory, and count until they are [reset](Self::reset). Of owners without a
/// limit of their own, at most 100,000 are remembered: beyond that, the half that has spent least is forgotten.
///
/// ```
/// use actorstream::{OpenAi, Price, Prices, SpendLimits};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let price = Price::per_million("1.25".parse()?, "10".parse()?);
/// let limits = SpendLimits::new().for_each("5".parse()?).owner("alice", "100".parse()?);
/// let openai = OpenAi::builder()
///     .api_key("a key")
///     .prices(Prices::new().model("gpt-6-luna", price))
///     .observer(limits.clone())
///     .build()?;
/// let call = openai.chat().owner("alice");
/// println!("{}", limits.spent("alice"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct SpendLimits {
    for_each: Option<Amount>,
    owners: HashMap<String, Amount>,
    /// Shared by all clones.
    spent: Arc<Mutex<HashMap<String, Amount>>>,
}

impl SpendLimits {
    /// No limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the limit of each owner that has no limit of its own.
    #[must_use]
    pub fn for_each(mut self, limit: Amount) -> Self {
        self.for_each = Some(limit);
        self
    }

    /// Sets the limit of one owner.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>, limit: Amount) -> Self {
        self.owners.insert(owner.into(), limit);
        self
    }

    /// Returns what an owner with a limit has spent since the start, or the last [`reset`](Self::reset).
    pub fn spent(&self, owner: &str) -> Amount {
        self.amounts().get(owner).copied().unwrap_or_default()
    }

    /// Forgets what an owner has spent.
    pub fn reset(&self, owner: &str) {
        self.amounts().remove(owner);
    }

    /// Forgets what all owners have spent, such as at the start of a month.
    pub fn reset_all(&self) {
        self.amounts().clear();
    }

    fn amounts(&self) -> MutexGuard<'_, HashMap<String, Amount>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limit(&self, owner: &str) -> Option<Amount> {
        self.owners.get(owner).copied().or(self.for_each)
    }

    /// Counts what an owner has spent, if it has a limit.
    fn add(&self, owner: &str, cost: Amount) {
        if self.limit(owner).is_none() {
            return;
        }
        let mut amounts = self.amounts();
        if let Some(spent) = amounts.get_mut(owner) {
            *spent = *spent + cost;
            return;
        }
        if amounts.len() >= MAX_OWNERS + self.owners.len() {
            self.forget_half(&mut amounts);
        }
        amounts.insert(owner.to_owned(), cost);
    }

    /// Forgets the half that has spent least, of the owners without a limit of their own.
    fn forget_half(&self, amounts: &mut HashMap<String, Amount>) {
        let others = amounts.iter().filter(|(owner, _)| !self.owners.contains_key(*owner));
        let mut by_amount: Vec<_> = others.map(|(owner, spent)| (*spent, owner.clone())).collect();
        by_amount.sort_unstable();
        by_amount.truncate(by_amount.len().div_ceil(2));
        for (_, owner) in &by_amount {
            amounts.remove(owner);
        }
    }

    fn check(&self, owner: &str) -> Result<(), Denied> {
        let Some(limit) = self.limit(owner) else { return Ok(()) };
        let spent = self.spent(owner);
        if spent < limit {
            return Ok(());
        }
        Err(Denied::new(format!("{owner} has spent {spent} of {limit}, so the request was not sent")))
    }
}

impl Observer for SpendLimits {
    fn before<'a>(&'a self, request: &'a mut ObservedRequest) -> BeforeFuture<'a> {
        // The rest of a response is paid for already.
        let is_new = request.purpose() == Purpose::Response;
        let checked = request.call().owner().filter(|_| is_new).map_or(Ok(()), |owner| self.check(owner));
        Box::pin(ready(checked))
    }

    fn end(&self, call: &ObservedCall, end: &ObservedEnd<'_>) {
        let cost = end.cost.filter(|cost| *cost > Amount::ZERO);
        if let (Some(owner), Some(cost)) = (call.owner(), cost) {
            self.add(owner, cost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    #[test]
    fn owners_without_a_limit_are_not_remembered() {
        let limits = SpendLimits::new().owner("alice", amount("1"));
        for owner in ["alice", "bob", "alice"] {
            limits.add(owner, amount("0.5"));
        }
        assert_eq!((limits.spent("alice"), limits.spent("bob")), (amount("1"), Amount::default()));
        assert_eq!(limits.amounts().len(), 1);
        limits.check("alice").unwrap_err();
        limits.reset_all();
        limits.check("alice").unwrap();
        assert!(limits.amounts().is_empty());
    }

    #[test]
    fn of_very_many_owners_those_that_have_spent_least_are_forgotten() {
        let limits = SpendLimits::new().for_each(amount("2")).owner("alice", amount("9"));
        limits.add("alice", amount("0.1"));
        limits.add("bob", amount("2"));
        for owner in 0..MAX_OWNERS + 10 {
            limits.add(&owner.to_string(), amount("1"));
            assert!(limits.amounts().len() <= MAX_OWNERS + 1);
        }
        assert_eq!((limits.spent("alice"), limits.spent("bob")), (amount("0.1"), amount("2")));
        limits.check("bob").unwrap_err();
    }
}
