//! The mapping from requests to replies.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::reply::Reply;
use crate::request::Request;

/// Returns the [`Reply`] to each [`Request`], and to a connection before its requests.
///
/// A `Reply` is a script that always sends the same reply. Clones share their position in a
/// [sequence](Self::sequence).
///
/// ```
/// use actorstream_test::{Reply, Script};
///
/// let fails_once = Script::sequence([
///     Reply::error(503, "server_error", "Try again"),
///     Reply::sse().event("{}").done().end(),
/// ]);
/// let by_path = Script::with(|request| match request.path.as_str() {
///     "/v1/models" => Reply::status(200).bytes("{}"),
///     _ => Reply::error(404, "invalid_request_error", "No such path"),
/// });
/// let never_shakes_hands = Script::on_accept(Reply::raw().hold());
/// ```
#[derive(Clone)]
pub struct Script {
    answer: Arc<dyn Fn(&Request) -> Reply + Send + Sync>,
    accept: Option<Arc<dyn Fn(usize) -> Option<Reply> + Send + Sync>>,
}

impl Script {
    /// Replies to each request with the result of the closure.
    pub fn with(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), accept: None }
    }

    /// Replies to the n-th request with the n-th reply, on any connection; the last reply is repeated.
    ///
    /// # Panics
    ///
    /// If there is no reply.
    #[track_caller]
    pub fn sequence(replies: impl IntoIterator<Item = impl Into<Reply>>) -> Self {
        let replies: Vec<Reply> = replies.into_iter().map(Into::into).collect();
        assert!(!replies.is_empty(), "a sequence needs a reply");
        let next = AtomicUsize::new(0);
        Self::with(move |_| {
            let at = next.fetch_add(1, Ordering::Relaxed);
            replies[at.min(replies.len() - 1)].clone()
        })
    }

    /// Serves the n-th connection with the n-th script, and all further ones with the last.
    ///
    /// # Panics
    ///
    /// If there is no script.
    #[track_caller]
    pub fn by_connection(scripts: impl IntoIterator<Item = impl Into<Script>>) -> Self {
        let scripts: Arc<[Script]> = scripts.into_iter().map(Into::into).collect();
        assert!(!scripts.is_empty(), "connections need a script");
        let of = |scripts: &[Script], connection: usize| -> Script {
            scripts[connection.min(scripts.len() - 1)].clone()
        };
        let again = Arc::clone(&scripts);
        Self::with(move |request| of(&scripts, request.connection).reply(request))
            .at_accept(move |connection| of(&again, connection).reply_at_accept(connection))
    }

    /// Plays the reply on each connection as soon as it is accepted, before anything is read and before a TLS
    /// handshake: silence, garbage, a reset.
    ///
    /// If the reply writes nothing and has no steps left (after a wait or a gate), the connection continues as usual
    /// and its requests get 404.
    pub fn on_accept(reply: impl Into<Reply>) -> Self {
        let reply = reply.into();
        Self::with(|request| {
            let message = format!("Nothing is scripted for {} {}", request.method, request.path);
            Reply::error(404, "invalid_request_error", &message)
        })
        .at_accept(move |_| Some(reply.clone()))
    }

    /// Plays the reply that the closure returns for a connection, numbered from 0, as soon as it is accepted, like
    /// [`on_accept`](Self::on_accept). `None` plays nothing.
    pub fn at_accept(mut self, accept: impl Fn(usize) -> Option<Reply> + Send + Sync + 'static) -> Self {
        self.accept = Some(Arc::new(accept));
        self
    }

    pub(crate) fn reply(&self, request: &Request) -> Reply {
        (self.answer)(request)
    }

    pub(crate) fn reply_at_accept(&self, connection: usize) -> Option<Reply> {
        self.accept.as_ref().and_then(|accept| accept(connection))
    }
}

impl From<Reply> for Script {
    fn from(reply: Reply) -> Self {
        Self::with(move |_| reply.clone())
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("acts_at_accept", &self.accept.is_some()).finish_non_exhaustive()
    }
}
