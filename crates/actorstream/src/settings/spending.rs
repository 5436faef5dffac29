//! `SpendLimits`: limits on what owners spend.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::settings::cost::Amount;
use crate::settings::observer::{
    BeforeFuture, Denied, ObservedCall, ObservedEnd, ObservedRequest, Observer, Purpose,
};

/// An observer that limits what each owner spends. A request of an owner whose limit is reached is not sent, and its stream ends with
/// [`Denied`](crate::ErrorKind::Denied).
///
/// A call counts when it has ended, with the cost of its reported usage, so the client needs [`prices`](crate::OpenAiBuilder::prices),
/// and chats and completions need `include_usage`. Calls that run when the limit is reached run to their ends. The owner is that of
/// [`owner`](crate::Call::owner); calls without one are not limited. The amounts are in memory, and count until they are
/// [reset](Self::reset).
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

    /// Returns what an owner has spent since the start, or the last [`reset`](Self::reset).
    pub fn spent(&self, owner: &str) -> Amount {
        self.amounts().get(owner).copied().unwrap_or_default()
    }

    /// Forgets what an owner has spent, such as at the start of a month.
    pub fn reset(&self, owner: &str) {
        self.amounts().remove(owner);
    }

    fn amounts(&self) -> MutexGuard<'_, HashMap<String, Amount>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, owner: &str) -> Result<(), Denied> {
        let Some(limit) = self.owners.get(owner).copied().or(self.for_each) else { return Ok(()) };
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
        if let (Some(owner), Some(cost)) = (call.owner(), end.cost) {
            let mut amounts = self.amounts();
            let spent = amounts.entry(owner.to_owned()).or_default();
            *spent = *spent + cost;
        }
    }
}
