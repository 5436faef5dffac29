//! Collects what the target of a stream received.

use tokio::sync::Notify;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Collects what the target of a stream received, for a test to check.
///
/// A stream ends once, with an error or with a finish, and nothing follows. [`assert_one_end`](Self::assert_one_end)
/// checks that. Clones share one collection.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use actorstream_test::Recorder;
///
/// let recorder = Recorder::new(|event: &&str| *event == "end");
/// let mut sink = recorder.sink(); // give this to the client
/// sink("data");
/// sink("end");
///
/// recorder.ended().await;
/// recorder.assert_one_end();
/// assert_eq!(recorder.events(), ["data", "end"]);
/// # }
/// ```
pub struct Recorder<T> {
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    events: Mutex<Vec<T>>,
    is_end: Box<dyn Fn(&T) -> bool + Send + Sync>,
    pushed: Notify,
}

impl<T> Recorder<T> {
    /// Creates an empty recorder; `is_end` returns whether an event ends a stream.
    pub fn new(is_end: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        Self {
            inner: Arc::new(Inner {
                events: Mutex::default(),
                is_end: Box::new(is_end),
                pushed: Notify::new(),
            }),
        }
    }

    /// Returns a closure that records its argument.
    pub fn sink(&self) -> impl FnMut(T) + Send + 'static
    where
        T: Send + 'static,
    {
        let recorder = self.clone();
        move |event| recorder.push(event)
    }

    /// Records one event.
    pub fn push(&self, event: T) {
        self.lock().push(event);
        self.inner.pushed.notify_waiters();
    }

    /// Returns a copy of the events so far, in order of arrival.
    pub fn events(&self) -> Vec<T>
    where
        T: Clone,
    {
        self.lock().clone()
    }

    /// Passes the events so far to `look` without copying them. `look` must not use the recorder.
    pub fn with<R>(&self, look: impl FnOnce(&[T]) -> R) -> R {
        look(&self.lock())
    }

    /// Returns the number of events so far.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Returns whether there is no event yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until the events contain an end.
    pub async fn ended(&self) {
        self.until(|events| events.iter().any(&self.inner.is_end)).await;
    }

    /// Waits until there are at least `count` events.
    pub async fn reached(&self, count: usize) {
        self.until(|events| events.len() >= count).await;
    }

    /// Checks that there is exactly one end and that nothing follows it.
    ///
    /// # Panics
    ///
    /// If not, with the events from the first end on.
    #[track_caller]
    pub fn assert_one_end(&self)
    where
        T: fmt::Debug,
    {
        let complaint = {
            let events = self.lock();
            let first = events.iter().position(&self.inner.is_end);
            match first {
                Some(first) if first + 1 == events.len() => None,
                Some(first) => {
                    let ends = events.iter().filter(|event| (self.inner.is_end)(event));
                    Some(format!(
                        "a stream ends once and nothing follows: {} end(s) and {} event(s) behind \
                         the first one, which was number {first}: {:#?}",
                        ends.count(),
                        events.len() - first - 1,
                        &events[first..]
                    ))
                }
                None => Some(format!(
                    "the stream did not end; {} event(s), the last one was {:#?}",
                    events.len(),
                    events.last()
                )),
            }
        };
        if let Some(complaint) = complaint {
            panic!("{complaint}");
        }
    }

    async fn until(&self, condition: impl Fn(&[T]) -> bool) {
        loop {
            // Created before the check: it is woken by every push from here on.
            let pushed = self.inner.pushed.notified();
            if self.with(&condition) {
                return;
            }
            pushed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        let events = &self.inner.events;
        events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Recorder<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T: fmt::Debug> fmt::Debug for Recorder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("events", &*self.lock()).finish_non_exhaustive()
    }
}
