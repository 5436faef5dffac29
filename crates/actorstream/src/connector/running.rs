//! `Stream`: a running stream, its resources, and how it ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actorstream_proto::endpoint::Method;
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::attempt::Attempt;
use actorstream_proto::outcome::error::{ErrorKind, StreamError};
use actorstream_proto::outcome::timings::Timings;
use actorstream_proto::session::timeouts::Timeout;
use actorstream_proto::session::{End, Session, Settings};

use super::aim::Aim;
use super::backends::{Backend, Backends, Plan};
use super::guard::{Guard, Interrupt};
use super::sink::Sink;
use crate::connector::prepared::Prepared;
use crate::connector::shared::Shared;
use crate::settings::options::Options;
use crate::stream::clock::now;
use crate::stream::delivery::link::Batch;
use crate::stream::registry::Entry;
use crate::tools::Past;
use crate::transport::http::answer::Answer;

/// A running stream. If it is dropped before its end, it ends as `Aborted`, with the partial response.
pub(super) struct Running<E: Event> {
    pub(super) session: Session<E>,
    pub(super) sink: Sink<E>,
    /// The previous responses. While their tools run, the session has ended.
    pub(super) past: Past<E>,
    /// What became of each request.
    pub(super) tried: Tried,
    /// How long the call has waited for permits, in all.
    pub(super) queued: Duration,
}

impl<E: Event> Running<E> {
    /// Ends the stream for a reason that is not the server's.
    pub(super) fn fail(&mut self, kind: ErrorKind) -> End<E> {
        let end = match self.past.fail(kind.clone()) {
            Some(error) => Err(error),
            None => self.session.fail(kind, now()),
        };
        self.with_rounds(end)
    }

    /// Adds the rounds and the attempts to the end.
    pub(super) fn with_rounds(&mut self, mut end: End<E>) -> End<E> {
        self.past.tell(&mut end);
        let has_answered = self.session.has_delivered() || end.is_ok();
        let (timings, tried) = match &mut end {
            Ok(finish) => (&mut finish.timings, &mut finish.tried),
            Err(error) => {
                let error = &mut **error;
                (&mut error.timings, &mut error.tried)
            }
        };
        timings.queue = self.queued;
        *tried = self.tried.take(has_answered, *timings);
        end
    }
}

/// What became of each request. Nothing is noted while a client without other backends succeeds at once.
#[derive(Debug, Default)]
pub(super) struct Tried(Option<Box<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    attempts: Vec<Attempt>,
    /// The backend that is being asked.
    backend: Option<Arc<str>>,
    /// An observer answers in place of it.
    by_observer: bool,
}

impl Tried {
    /// A backend is asked.
    pub(super) fn turn_to(&mut self, backend: Option<&Arc<str>>) {
        let notes = self.0.get_or_insert_default();
        notes.backend = backend.cloned();
        notes.by_observer = false;
    }

    /// The request goes out, or an observer answers it.
    pub(super) fn answered_by(&mut self, by_observer: bool) {
        if by_observer {
            self.0.get_or_insert_default().by_observer = true;
        } else if let Some(notes) = &mut self.0 {
            notes.by_observer = false;
        }
    }

    /// Returns whether an observer answers in place of the server.
    pub(super) fn by_observer(&self) -> bool {
        self.0.as_ref().is_some_and(|notes| notes.by_observer)
    }

    /// The backend that is asked; `None` for the client's own server.
    pub(super) fn backend(&self) -> Option<Arc<str>> {
        self.0.as_ref()?.backend.clone()
    }

    /// The attempt has failed, this long after the start of the stream.
    pub(super) fn failed(&mut self, error: &StreamError, at: Duration) {
        let notes = self.0.get_or_insert_default();
        let (kind, status) = (error.kind.name(), error.status());
        notes.attempts.push(Attempt::failed(notes.backend.clone(), kind, status, at));
    }

    /// Another backend has answered first, this long after the start of the stream.
    pub(super) fn superseded(&mut self, backend: Option<&Arc<str>>, at: Duration) {
        let notes = self.0.get_or_insert_default();
        notes.attempts.push(Attempt::failed(backend.cloned(), ErrorKind::Cancelled.name(), None, at));
    }

    /// Returns the attempts of a stream that ends; the last one has answered or failed.
    fn take(&mut self, has_answered: bool, timings: Timings) -> Vec<Attempt> {
        let Some(notes) = self.0.take() else { return Vec::new() };
        let Notes { mut attempts, backend, by_observer } = *notes;
        if has_answered {
            let mut attempt = Attempt::answered(backend, timings.head.unwrap_or_default());
            attempt.by_observer = by_observer;
            attempts.push(attempt);
        }
        attempts
    }
}

impl<E: Event> Drop for Running<E> {
    fn drop(&mut self) {
        if !self.sink.is_closed()
            && let Err(error) = self.fail(ErrorKind::Aborted)
        {
            self.sink.abort(error);
        }
    }
}

/// How an attempt ended.
pub(super) enum Ending<E: Event> {
    /// By the server.
    Served(Box<Served<E>>),
    /// It broke, and can be resumed.
    Broken,
    /// By an interruption.
    Interrupted(Interrupt),
}

/// The last events and the end from the server.
pub(super) struct Served<E: Event> {
    /// The last events and the end, not yet delivered.
    pub(super) batch: Box<Batch<E>>,
    /// The response, whose body may have a rest.
    pub(super) answer: Option<Box<Answer>>,
}

/// A stream that is about to run.
pub(super) struct Start<E: Event> {
    pub(super) client: Arc<Shared>,
    pub(super) options: Arc<Options>,
    pub(super) request: Prepared<E::Response>,
    pub(super) sink: Sink<E>,
    pub(super) started: Instant,
    /// The stream's entry in the registry; it is dropped when nothing is left to deliver.
    pub(super) entry: Option<Entry>,
}

/// A running stream with its resources.
pub(super) struct Stream<E: Event> {
    /// The client that made the call.
    pub(super) home: Arc<Shared>,
    /// The settings of the call for the client's own server.
    own: Arc<Options>,
    /// The client of the server that is asked: the same, or a backend's.
    pub(super) client: Arc<Shared>,
    /// The settings for that server.
    pub(super) options: Arc<Options>,
    /// Which backend that is.
    at: Option<usize>,
    pub(super) request: Prepared<E::Response>,
    pub(super) running: Running<E>,
    pub(super) guard: Guard<E>,
    pub(super) started: Instant,
    /// When its total timeout expires.
    pub(super) total: Option<Instant>,
    /// Dropped when nothing is left to deliver, so it is the last field.
    pub(super) entry: Option<Entry>,
}

impl<E: Event> Stream<E> {
    pub(super) fn new(start: Box<Start<E>>) -> Self {
        let Start { client, options, request, sink, started, entry } = *start;
        let guard = Guard::new(sink.link(), sink.target());
        let total =
            request.settings.timeouts.get(Timeout::Total).and_then(|total| started.checked_add(total));
        let running = Running {
            session: request.session(started, 1),
            sink,
            past: Past::default(),
            tried: Tried::default(),
            queued: Duration::ZERO,
        };
        let (home, own) = (Arc::clone(&client), Arc::clone(&options));
        Self { home, own, client, options, at: None, request, running, guard, started, total, entry }
    }

    /// Plans which backends are asked, the current one first; `None` if only the client's own server can be. That is the only
    /// one that knows what a `GET` or `DELETE` names, and the only one where the call has a base URL of its own.
    pub(super) fn plan<'a>(&self, backends: &'a Backends<Arc<Shared>>) -> Option<Plan<'a, Arc<Shared>>> {
        let is_post = self.request.first.method == Method::Post;
        let is_own = self.own.base_url == self.home.options.base_url;
        if is_post && is_own { backends.plan(self.at) } else { None }
    }

    /// Directs the request to a backend.
    ///
    /// # Errors
    /// The end, if the request cannot be sent there.
    pub(super) fn turn_to(
        &mut self,
        backend: (usize, &Backend<Arc<Shared>>),
        number: u32,
    ) -> Result<(), Ending<E>> {
        self.running.tried.turn_to(backend.1.name.as_ref());
        if self.at == Some(backend.0) {
            return Ok(());
        }
        let mut aim = self.aim(backend);
        let flaw = aim.flaw.take();
        self.take_aim(aim);
        self.running.session = self.request.session(self.started, number);
        let Some(kind) = flaw else { return Ok(()) };
        let error = self.running.session.fail(kind, now());
        if let Err(error) = &error {
            self.running.tried.failed(error, now().saturating_duration_since(self.started));
        }
        Err(Ending::Served(Box::new(Served { batch: Batch::of_end(error), answer: None })))
    }

    /// The request as a backend gets it.
    pub(super) fn aim(&self, (index, backend): (usize, &Backend<Arc<Shared>>)) -> Aim {
        let (client, options) = match &backend.client {
            None => (Arc::clone(&self.home), Arc::clone(&self.own)),
            Some(client) => (Arc::clone(client), Arc::new(self.own.over(&client.options))),
        };
        let mut first = self.request.first.again();
        let mut flaw = None;
        match self.request.recovery.uri(&options) {
            Ok(uri) => first.uri = uri,
            Err(message) => flaw = Some(ErrorKind::Config { message: message.into() }),
        }
        first.key = None;
        first.models = Some(Arc::clone(&backend.models)).filter(|models| !models.is_empty());
        let settings = &self.request.settings;
        let mut timeouts = options.timeouts.clone();
        timeouts.total = settings.timeouts.get(Timeout::Total);
        let secrets = options.secrets_with(client.connect.proxies.secrets_of(&options.base_url));
        let url = first.shown_url();
        let settings = Arc::new(Settings { timeouts, secrets, url, ..Settings::clone(settings) });
        let recovery = self.request.recovery.with(&options);
        Aim { index, name: backend.name.clone(), client, options, first, flaw, settings, recovery }
    }

    /// The request as the current server gets it.
    pub(super) fn current_aim(&self) -> Aim {
        Aim {
            index: self.at.unwrap_or_default(),
            name: self.running.tried.backend(),
            client: Arc::clone(&self.client),
            options: Arc::clone(&self.options),
            first: self.request.first.again(),
            flaw: None,
            settings: Arc::clone(&self.request.settings),
            recovery: self.request.recovery.with(&self.options),
        }
    }

    /// Directs the request to the server of this aim.
    pub(super) fn take_aim(&mut self, aim: Aim) {
        let Aim { index, client, options, first, settings, recovery, .. } = aim;
        self.at = Some(index);
        (self.client, self.options) = (client, options);
        self.request.first = first;
        self.request.settings = settings;
        self.request.recovery = recovery;
    }
}
