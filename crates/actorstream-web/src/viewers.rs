//! `Viewers`: who watches in this process, and which generations.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::event::Failure;
use crate::id::GenerationId;

/// Whether viewers are still let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doors {
    /// They are.
    Open,
    /// Nothing new begins.
    Closing,
    /// Those who still wait are to go elsewhere.
    Shut,
}

/// Counts those who watch in this process.
pub(crate) struct Viewers {
    watched: Mutex<Watched>,
    most: usize,
    most_of_one: usize,
    doors: watch::Sender<Doors>,
    /// Called when the last viewer of a generation has left.
    left: Box<dyn Fn(&GenerationId) + Send + Sync>,
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Watched {
    by_generation: HashMap<GenerationId, usize>,
    all: usize,
}

impl Viewers {
    pub(crate) fn new(
        most: usize,
        most_of_one: usize,
        left: impl Fn(&GenerationId) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            watched: Mutex::default(),
            most,
            most_of_one,
            doors: watch::Sender::new(Doors::Open),
            left: Box::new(left),
            count: watch::Sender::new(0),
        })
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for a viewer, and whether it is the first one of its generation.
    pub(crate) fn seat(self: &Arc<Self>, generation: &GenerationId) -> Result<(Seat, bool), Failure> {
        let mut watched = self.watched();
        let of_one = watched.by_generation.get(generation).copied().unwrap_or_default();
        if watched.all >= self.most || of_one >= self.most_of_one {
            let message = "too many are watching; try again later";
            return Err(Failure::new(503, "server_error", message).with_code("too_many_viewers"));
        }
        watched.all += 1;
        watched.by_generation.insert(generation.clone(), of_one + 1);
        self.count.send_replace(watched.all);
        let seat =
            Seat { viewers: Arc::clone(self), generation: generation.clone(), doors: self.doors.subscribe() };
        Ok((seat, of_one == 0))
    }

    /// Whether anybody here watches this generation.
    pub(crate) fn are_there(&self, generation: &GenerationId) -> bool {
        self.watched().by_generation.contains_key(generation)
    }

    pub(crate) fn all(&self) -> usize {
        self.watched().all
    }

    pub(crate) fn doors(&self) -> Doors {
        *self.doors.borrow()
    }

    pub(crate) fn set_doors(&self, doors: Doors) {
        self.doors.send_if_modified(|now| std::mem::replace(now, doors.max(*now)) < doors);
    }

    /// Waits until nothing new may begin.
    pub(crate) fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut doors = self.doors.subscribe();
        async move {
            let _ = doors.wait_for(|doors| *doors > Doors::Open).await;
        }
    }

    /// Waits until nobody watches.
    pub(crate) async fn are_gone(&self) {
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl fmt::Debug for Viewers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Viewers").field("watched", &*self.watched()).finish_non_exhaustive()
    }
}

/// The place of one viewer, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    viewers: Arc<Viewers>,
    generation: GenerationId,
    doors: watch::Receiver<Doors>,
}

impl Seat {
    /// Waits until the viewer is to go elsewhere.
    pub(crate) async fn cut(&mut self) {
        if self.doors.wait_for(|doors| *doors == Doors::Shut).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut watched = self.viewers.watched();
        watched.all -= 1;
        let mut last = false;
        if let Some(count) = watched.by_generation.get_mut(&self.generation) {
            *count -= 1;
            last = *count == 0;
        }
        if last {
            watched.by_generation.remove(&self.generation);
        }
        self.viewers.count.send_replace(watched.all);
        drop(watched);
        if last {
            (self.viewers.left)(&self.generation);
        }
    }
}
