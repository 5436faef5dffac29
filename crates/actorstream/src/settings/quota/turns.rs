//! `Turns`: who of those that wait comes next: the owners in turn, and each owner's own in their order.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

/// Whose request it is.
pub(super) type Owner = Option<Arc<str>>;

/// Those that wait.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Those of each owner, by their numbers. No queue is empty.
    queues: HashMap<Owner, BTreeMap<u64, Waker>>,
    /// The owners that wait. The one whose turn it is stands first.
    order: VecDeque<Owner>,
    next_number: u64,
}

impl Turns {
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Joins the queue of an owner; returns a number, by which it is found again.
    pub(super) fn join(&mut self, owner: &Owner, waker: &Waker) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        if !self.queues.contains_key(owner) {
            self.order.push_back(owner.clone());
        }
        self.queues.entry(owner.clone()).or_default().insert(number, waker.clone());
        number
    }

    fn first(&self) -> Option<(&u64, &Waker)> {
        self.queues.get(self.order.front()?)?.first_key_value()
    }

    /// Returns whether it is this one's turn.
    pub(super) fn is_first(&self, number: u64) -> bool {
        self.first().is_some_and(|(first, _)| *first == number)
    }

    /// Wakes this one of an owner's when it is its turn.
    pub(super) fn register(&mut self, owner: &Owner, number: u64, waker: &Waker) {
        if let Some(known) = self.queues.get_mut(owner).and_then(|queue| queue.get_mut(&number)) {
            known.clone_from(waker);
        }
    }

    /// The first one has had its turn: the next owner comes.
    pub(super) fn advance(&mut self) {
        let Some(owner) = self.order.pop_front() else { return };
        if let Some(queue) = self.queues.get_mut(&owner) {
            queue.pop_first();
            if queue.is_empty() {
                self.queues.remove(&owner);
            } else {
                self.order.push_back(owner);
            }
        }
        self.wake_first();
    }

    /// This one of an owner's waits no longer.
    pub(super) fn leave(&mut self, owner: &Owner, number: u64) {
        let was_first = self.is_first(number);
        if let Some(queue) = self.queues.get_mut(owner) {
            queue.remove(&number);
            if queue.is_empty() {
                self.queues.remove(owner);
                self.order.retain(|other| other != owner);
            }
        }
        if was_first {
            self.wake_first();
        }
    }

    pub(super) fn wake_first(&self) {
        if let Some((_, waker)) = self.first() {
            waker.wake_by_ref();
        }
    }

    pub(super) fn wake_all(&self) {
        self.queues.values().flat_map(BTreeMap::values).for_each(Waker::wake_by_ref);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_take_turns_and_each_keeps_its_order() {
        let (mut turns, waker) = (Turns::default(), Waker::noop());
        let [alice, bob] = ["alice", "bob"].map(|name| Some(Arc::<str>::from(name)));
        let mut join = |owner: &Option<Arc<str>>| turns.join(owner, waker);
        let numbers = [join(&alice), join(&alice), join(&alice), join(&bob), join(&None), join(&bob)];
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
        // One that leaves gives its place to the next of the same owner.
        turns.leave(&alice, 0);
        let mut order = Vec::new();
        while !turns.is_empty() {
            let first = (0..6).find(|number| turns.is_first(*number)).unwrap();
            order.push(first);
            turns.advance();
        }
        assert_eq!(order, [1, 3, 4, 2, 5]);
        turns.leave(&bob, 5);
        turns.advance();
        assert!(turns.is_empty() && turns.queues.is_empty());
    }
}
