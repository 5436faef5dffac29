//! `Turns`: who of those that wait comes next: the owners in turn, and each owner's own in their order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

/// Those that wait.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// The owner whose turn it is stands first. Nobody stands here whose queue is empty.
    owners: VecDeque<(Option<Arc<str>>, VecDeque<Waiting>)>,
    next_number: u64,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    waker: Waker,
}

impl Turns {
    pub(super) fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// Joins the queue of an owner; returns a number, by which it is found again.
    pub(super) fn join(&mut self, owner: Option<&Arc<str>>, waker: &Waker) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        let waiting = Waiting { number, waker: waker.clone() };
        match self.owners.iter_mut().find(|(other, _)| other.as_ref() == owner) {
            Some((_, queue)) => queue.push_back(waiting),
            None => self.owners.push_back((owner.cloned(), VecDeque::from([waiting]))),
        }
        number
    }

    /// Returns whether it is this one's turn.
    pub(super) fn is_first(&self, number: u64) -> bool {
        self.owners.front().and_then(|(_, queue)| queue.front()).is_some_and(|first| first.number == number)
    }

    /// Wakes this one when it is its turn.
    pub(super) fn register(&mut self, number: u64, waker: &Waker) {
        let mut all = self.owners.iter_mut().flat_map(|(_, queue)| queue);
        if let Some(waiting) = all.find(|waiting| waiting.number == number) {
            waiting.waker.clone_from(waker);
        }
    }

    /// The first one has had its turn: the next owner comes.
    pub(super) fn advance(&mut self) {
        if let Some((owner, mut queue)) = self.owners.pop_front() {
            queue.pop_front();
            if !queue.is_empty() {
                self.owners.push_back((owner, queue));
            }
        }
        self.wake_first();
    }

    /// This one waits no longer.
    pub(super) fn leave(&mut self, number: u64) {
        let was_first = self.is_first(number);
        for (_, queue) in &mut self.owners {
            queue.retain(|waiting| waiting.number != number);
        }
        self.owners.retain(|(_, queue)| !queue.is_empty());
        if was_first {
            self.wake_first();
        }
    }

    pub(super) fn wake_first(&self) {
        if let Some(first) = self.owners.front().and_then(|(_, queue)| queue.front()) {
            first.waker.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_take_turns_and_each_keeps_its_order() {
        let (mut turns, waker) = (Turns::default(), Waker::noop());
        let [alice, bob] = ["alice", "bob"].map(|name| Some(Arc::<str>::from(name)));
        let mut join = |owner: &Option<Arc<str>>| turns.join(owner.as_ref(), waker);
        let numbers = [join(&alice), join(&alice), join(&alice), join(&bob), join(&None), join(&bob)];
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
        // One that leaves gives its place to the next of the same owner.
        turns.leave(0);
        let mut order = Vec::new();
        while !turns.is_empty() {
            let first = (0..6).find(|number| turns.is_first(*number)).unwrap();
            order.push(first);
            turns.advance();
        }
        assert_eq!(order, [1, 3, 4, 2, 5]);
        turns.leave(5);
        turns.advance();
    }
}
