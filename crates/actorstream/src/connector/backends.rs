//! `Backends`: the servers that can answer in place of a client's own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actorstream_proto::outcome::error::{ErrorKind, Refused};
use actorstream_proto::session::timeouts::Timeout;

use crate::stream::clock::now;

/// After how many failures in a row a backend is left alone.
const FAILURES: u32 = 5;

/// How long it is left alone. Then one request tries it.
const REST: Duration = Duration::from_secs(30);

/// In which order backends are asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they were given.
    #[default]
    Given,
    /// At random, each as often first as its weight says.
    Weighted,
}

/// The servers that can answer: the client's own, which is the first, and others, each with a client `C`.
#[derive(Debug)]
pub(crate) struct Backends<C> {
    list: Vec<Backend<C>>,
    order: Order,
    /// After how long without an event another one is asked, too.
    pub(crate) hedge_after: Option<Duration>,
}

/// A server that can answer.
#[derive(Debug)]
pub(crate) struct Backend<C> {
    /// Its name in reports; `None` for the client's own server.
    pub(crate) name: Option<Arc<str>>,
    /// Its client; `None` for the client's own server.
    pub(crate) client: Option<C>,
    pub(crate) weight: u32,
    /// Its names of models, by those of requests.
    pub(crate) models: Arc<BTreeMap<String, String>>,
    breaker: Mutex<Breaker>,
}

/// Leaves a backend alone that has failed several times in a row.
#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    /// Until when it is left alone.
    open_until: Option<Instant>,
}

impl<C> Backend<C> {
    pub(crate) fn new(
        name: Option<Arc<str>>,
        client: Option<C>,
        weight: u32,
        models: BTreeMap<String, String>,
    ) -> Self {
        Self { name, client, weight, models: Arc::new(models), breaker: Mutex::default() }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether a request may go there now. After its rest one may: it starts the next rest, which its success ends.
    fn admits(&self, now: Instant) -> bool {
        let mut breaker = self.breaker();
        match breaker.open_until {
            None => true,
            Some(until) if until > now => false,
            Some(_) => {
                breaker.open_until = Some(now + REST);
                true
            }
        }
    }

    fn failed(&self, now: Instant) {
        let mut breaker = self.breaker();
        breaker.failures = breaker.failures.saturating_add(1);
        if breaker.failures >= FAILURES {
            breaker.open_until = Some(now + REST);
        }
    }

    fn answered(&self) {
        *self.breaker() = Breaker::default();
    }
}

impl<C> Backends<C> {
    /// The client's own server and others. Without others there is nothing to choose from.
    pub(crate) fn new(own_weight: u32, others: Vec<Backend<C>>, order: Order) -> Self {
        if others.is_empty() {
            return Self { list: Vec::new(), order, hedge_after: None };
        }
        let own = Backend::new(None, None, own_weight, BTreeMap::new());
        Self { list: std::iter::once(own).chain(others).collect(), order, hedge_after: None }
    }

    /// Plans the order in which the backends are asked for one response; `None` if there is only one. `first` is asked first, if it answered before in the same conversation.
    pub(super) fn plan(&self, first: Option<usize>) -> Option<Plan<'_, C>> {
        if self.list.is_empty() {
            return None;
        }
        let mut waiting = self.choose(fastrand::f64);
        if let Some(first) = first {
            waiting.retain(|index| *index != first);
            waiting.push(first);
        }
        Some(Plan { backends: self, waiting, current: None })
    }

    /// The order in which they are asked, the last one first. Those that are left alone are not among them, unless all are.
    fn choose(&self, random: impl Fn() -> f64) -> Vec<usize> {
        let now = now();
        let mut admitted: Vec<usize> = match self.order {
            Order::Given => (0..self.list.len()).collect(),
            Order::Weighted => {
                // The greatest of u^(1/weight) comes first as often as its weight says.
                let mut keyed: Vec<_> = (0..self.list.len())
                    .map(|index| (random().powf(1.0 / f64::from(self.list[index].weight.max(1))), index))
                    .collect();
                keyed.sort_by(|(a, _), (b, _)| b.total_cmp(a));
                keyed.into_iter().map(|(_, index)| index).collect()
            }
        };
        let all = admitted.clone();
        let mut first = true;
        admitted.retain(|index| {
            // Only the first of them is certain to be asked, so only for it the one request after a rest is used.
            let backend = &self.list[*index];
            let rests = |backend: &Backend<C>| backend.breaker().open_until.is_some_and(|until| until > now);
            let admits = if first { backend.admits(now) } else { !rests(backend) };
            first &= !admits;
            admits
        });
        let mut order = if admitted.is_empty() { all } else { admitted };
        order.reverse();
        order
    }
}

/// The backends that are left to ask for one response.
#[derive(Debug)]
pub(super) struct Plan<'a, C> {
    backends: &'a Backends<C>,
    /// The last one is the next.
    waiting: Vec<usize>,
    current: Option<usize>,
}

impl<'a, C> Plan<'a, C> {
    /// Moves on to the next backend, if one is left.
    pub(super) fn next(&mut self) -> Option<(usize, &'a Backend<C>)> {
        let index = self.waiting.pop()?;
        self.current = Some(index);
        Some((index, &self.backends.list[index]))
    }

    fn current(&self) -> Option<&'a Backend<C>> {
        self.current.map(|index| &self.backends.list[index])
    }

    /// Begins anew, after a wait.
    pub(super) fn restart(&mut self) {
        self.waiting = self.backends.choose(fastrand::f64);
    }

    /// Returns whether a backend is left to ask.
    pub(super) fn has_next(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// This backend is the current one.
    pub(super) fn return_to(&mut self, index: usize) {
        self.current = Some(index);
    }

    /// This backend has failed.
    pub(super) fn failed_at(&self, index: usize) {
        self.backends.list[index].failed(now());
    }

    pub(super) fn failed(&self) {
        if let Some(backend) = self.current() {
            backend.failed(now());
        }
    }

    pub(super) fn answered(&self) {
        if let Some(backend) = self.current() {
            backend.answered();
        }
    }
}

/// Returns whether another backend may answer where one has failed like this, before any event.
pub(super) fn may_fail_over(kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::Refused(refused) => is_the_servers(refused),
        // The quota is that of one server.
        ErrorKind::Transport { .. } | ErrorKind::Quota { .. } => true,
        ErrorKind::Timeout { timeout, .. } => {
            matches!(timeout, Timeout::Connect | Timeout::FirstEvent | Timeout::Response | Timeout::Lookup)
        }
        _ => false,
    }
}

/// Whether a refusal is about the server or its key, and not about the request.
fn is_the_servers(refused: &Refused) -> bool {
    matches!(refused.status, 401 | 403 | 408 | 429) || refused.status >= 500
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backends(weights: &[u32], order: Order) -> Backends<()> {
        let others = weights[1..].iter().map(|weight| Backend::new(None, None, *weight, BTreeMap::new()));
        Backends::new(weights[0], others.collect(), order)
    }

    fn first(backends: &Backends<()>, random: f64) -> usize {
        *backends.choose(|| random).last().unwrap()
    }

    #[actix_rt::test]
    async fn a_backend_that_fails_again_and_again_is_left_alone_for_a_while() {
        tokio::time::pause();
        let backends = backends(&[1, 1], Order::Given);
        for _ in 0..FAILURES {
            assert_eq!(first(&backends, 0.5), 0);
            backends.list[0].failed(now());
        }
        assert_eq!(backends.choose(|| 0.5), [1]);
        // After its rest, one request tries it.
        tokio::time::advance(REST).await;
        assert_eq!((first(&backends, 0.5), first(&backends, 0.5)), (0, 1));
        backends.list[0].failed(now());
        tokio::time::advance(REST).await;
        assert_eq!(first(&backends, 0.5), 0);
        backends.list[0].answered();
        assert_eq!((first(&backends, 0.5), first(&backends, 0.5)), (0, 0));
        // If all are left alone, all are asked.
        for backend in &backends.list {
            (0..FAILURES).for_each(|_| backend.failed(now()));
        }
        assert_eq!(backends.choose(|| 0.5), [1, 0]);
    }

    #[test]
    fn weights_decide_who_comes_first() {
        let backends = backends(&[1, 3, 0], Order::Weighted);
        let random = fastrand::Rng::with_seed(7);
        let random = std::cell::RefCell::new(random);
        let mut firsts = [0_u32; 3];
        for _ in 0..5_000 {
            firsts[*backends.choose(|| random.borrow_mut().f64()).last().unwrap()] += 1;
        }
        // A weight of 0 counts as 1.
        for (count, share) in firsts.into_iter().zip([0.2, 0.6, 0.2]) {
            assert!((f64::from(count) / 5_000.0 - share).abs() < 0.03, "{firsts:?}");
        }
    }
}
