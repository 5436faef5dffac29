//! `Viewers`: the viewers in this process, and the generations that they watch.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::event::Failure;
use crate::id::GenerationId;
use crate::owners::{OwnerViewerPermit, Owners};

/// The admission of viewers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Admission {
    /// New viewers are admitted.
    Open,
    /// No new viewers are admitted.
    Closing,
    /// Waiting viewers are disconnected, to reconnect to another instance.
    Shut,
}

/// Counts the viewers in this process.
pub(crate) struct Viewers {
    watched: Mutex<Watched>,
    most: usize,
    most_of_one: usize,
    owners: Arc<Owners>,
    admission: watch::Sender<Admission>,
    /// Called when the last viewer of a generation has left.
    left: Box<dyn Fn(&GenerationId) + Send + Sync>,
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Watched {
    by_generation: HashMap<GenerationId, usize>,
    /// The generations with a heartbeat task.
    attended: HashSet<GenerationId>,
    all: usize,
}

impl Viewers {
    pub(crate) fn new(
        most: usize,
        most_of_one: usize,
        owners: Arc<Owners>,
        left: impl Fn(&GenerationId) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            watched: Mutex::default(),
            most,
            most_of_one,
            owners,
            admission: watch::Sender::new(Admission::Open),
            left: Box::new(left),
            count: watch::Sender::new(0),
        })
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acquires a permit for a viewer, counted for an owner. The generation need not exist yet.
    pub(crate) async fn permit_of(
        self: &Arc<Self>,
        owner: &str,
        generation: &GenerationId,
    ) -> Result<ViewerPermit, Failure> {
        let of_owner = self.owners.watch(owner).await?;
        self.permit(Some(of_owner), generation)
    }

    /// Returns a permit for a viewer. Without an owner, it counts for none.
    pub(crate) fn permit(
        self: &Arc<Self>,
        of_owner: Option<OwnerViewerPermit>,
        generation: &GenerationId,
    ) -> Result<ViewerPermit, Failure> {
        let mut watched = self.watched();
        let of_one = watched.by_generation.get(generation).copied().unwrap_or_default();
        if watched.all >= self.most || of_one >= self.most_of_one {
            let message = "too many are watching; try again later";
            return Err(Failure::new(503, "server_error", message).with_code("too_many_viewers"));
        }
        watched.all += 1;
        watched.by_generation.insert(generation.clone(), of_one + 1);
        self.count.send_replace(watched.all);
        Ok(ViewerPermit {
            viewers: Arc::clone(self),
            generation: generation.clone(),
            admission: self.admission.subscribe(),
            _of_owner: of_owner,
        })
    }

    /// Claims the heartbeat of a generation for as long as it has viewers here. Returns `None` if another task
    /// already runs it.
    pub(crate) fn attend(self: &Arc<Self>, generation: &GenerationId) -> Option<Attendance> {
        let is_new = self.watched().attended.insert(generation.clone());
        is_new.then(|| Attendance { viewers: Arc::clone(self), generation: generation.clone(), over: false })
    }

    pub(crate) fn all(&self) -> usize {
        self.watched().all
    }

    pub(crate) fn admission(&self) -> Admission {
        *self.admission.borrow()
    }

    pub(crate) fn set_doors(&self, admission: Admission) {
        self.admission.send_if_modified(|now| std::mem::replace(now, admission.max(*now)) < admission);
    }

    /// Waits until no new viewers are admitted.
    pub(crate) fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut admission = self.admission.subscribe();
        async move {
            let _ = admission.wait_for(|admission| *admission > Admission::Open).await;
        }
    }

    /// Waits until no viewer is left.
    pub(crate) async fn are_gone(&self) {
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl fmt::Debug for Viewers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Viewers").field("watched", &*self.watched()).finish_non_exhaustive()
    }
}

/// The heartbeat of a generation, until it is dropped.
#[derive(Debug)]
pub(crate) struct Attendance {
    viewers: Arc<Viewers>,
    generation: GenerationId,
    over: bool,
}

impl Attendance {
    /// Returns whether any viewer is left. If not, the next viewer starts a new heartbeat.
    pub(crate) fn goes_on(&mut self) -> bool {
        let mut watched = self.viewers.watched();
        self.over = !watched.by_generation.contains_key(&self.generation);
        if self.over {
            // Under the same lock, so that no new viewer is left without a heartbeat.
            watched.attended.remove(&self.generation);
        }
        !self.over
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        self.viewers.watched().attended.remove(&self.generation);
    }
}

/// The permit of one viewer, until it is dropped.
#[derive(Debug)]
pub(crate) struct ViewerPermit {
    viewers: Arc<Viewers>,
    generation: GenerationId,
    admission: watch::Receiver<Admission>,
    _of_owner: Option<OwnerViewerPermit>,
}

impl ViewerPermit {
    /// Waits until the viewer should reconnect elsewhere.
    pub(crate) async fn cut(&mut self) {
        if self.admission.wait_for(|admission| *admission == Admission::Shut).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for ViewerPermit {
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
