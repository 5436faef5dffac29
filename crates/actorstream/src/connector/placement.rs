//! Chooses the thread that runs a stream: the caller's arbiter, or one of the client's own threads if the caller has
//! none.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use actix_rt::Arbiter;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

type Task = Box<dyn FnOnce() + Send>;

/// The client's own threads. They start when first needed, and end when the client is dropped and their streams have
/// ended.
#[derive(Debug)]
pub(crate) struct Pool {
    threads: Vec<OnceLock<Option<UnboundedSender<Task>>>>,
    next: AtomicUsize,
}

impl Pool {
    pub(crate) fn new(threads: usize) -> Self {
        Self { threads: (0..threads).map(|_| OnceLock::new()).collect(), next: AtomicUsize::new(0) }
    }

    /// Runs `task` on a thread where actors can be started. The caller's arbiter comes first: a message to an actor
    /// on the connector's thread wakes no other thread. If no thread can run the task, it is dropped.
    pub(crate) fn run(&self, task: impl FnOnce() + Send + 'static) {
        if let Some(arbiter) = Arbiter::try_current() {
            arbiter.spawn_fn(task);
            return;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed) % self.threads.len();
        match self.threads[number].get_or_init(|| start(number)) {
            Some(thread) => drop(thread.send(Box::new(task))),
            None => tracing::error!("no thread could be started for streams"),
        }
    }
}

fn start(number: usize) -> Option<UnboundedSender<Task>> {
    let (sender, mut tasks) = unbounded_channel::<Task>();
    let body = move || {
        let Ok(runtime) = actix_rt::Runtime::new() else { return };
        runtime.block_on(async move {
            let mut running = tokio::task::JoinSet::new();
            while let Some(task) = tasks.recv().await {
                running.spawn_local(async move { task() });
                while running.try_join_next().is_some() {}
            }
            // The client is dropped; its streams run to their ends.
            crate::connector::live::all_ended().await;
        });
    };
    thread::Builder::new().name(format!("actorstream-{number}")).spawn(body).ok()?;
    Some(sender)
}
