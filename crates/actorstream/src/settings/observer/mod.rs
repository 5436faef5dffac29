//! `Observer`: code of the application that sees each request before it goes out, and what becomes of it.

mod end;
mod head;
mod request;

use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use actorstream_proto::json::payload::Payload;
use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::outcome::response_head::ResponseHead;

pub use end::ObservedEnd;
pub(crate) use head::OnHead;
pub(crate) use request::Changes;
pub use request::{ObservedCall, ObservedRequest, Purpose};

/// Sees each request of a client before it goes out, and what becomes of it: for guardrails, audit, billing, a cache, headers that
/// trace a request.
///
/// All methods have defaults that do nothing. Several observers are called in the order in which they were added; each sees what
/// those before it have changed. A closure that takes a `&mut ObservedRequest` is an observer, too:
///
/// ```
/// use actorstream::{Denied, ObservedRequest, OpenAi};
///
/// # fn main() -> Result<(), actorstream::StreamError> {
/// let openai = OpenAi::builder()
///     .api_key("a key")
///     .observer(|request: &mut ObservedRequest| {
///         if request.call().owner().is_none() {
///             return Err(Denied::new("a request needs an owner"));
///         }
///         request.set_header("x-trace-id", "42");
///         Ok(())
///     })
///     .build()?;
/// openai.chat().owner("alice");
/// # Ok(())
/// # }
/// ```
///
/// An observer holds for streams, unstreamed calls, the rounds of tools and resumptions, and at the client's backends. All methods are
/// called on the thread that runs the stream, in the span of the call; only [`before`](Self::before) may wait. One that panics
/// ends the stream with [`ObserverPanicked`](crate::ErrorKind::ObserverPanicked), unless it has ended.
pub trait Observer: Send + Sync + 'static {
    /// A request is about to go out: each one, retries, other backends, resumptions and cancellations at the server included;
    /// [`ObservedRequest::attempt`] and [`ObservedRequest::purpose`] tell them apart. It may be changed or answered here. What it
    /// waits for counts towards the `total` timeout, and ends with the stream.
    ///
    /// # Errors
    /// [`Denied`]: the request is not sent, and the stream ends with [`ErrorKind::Denied`](crate::ErrorKind::Denied), without
    /// retries, unless another request of it still races for the first event. A resumption that is denied leaves the stream truncated.
    fn before<'a>(&'a self, request: &'a mut ObservedRequest) -> BeforeFuture<'a> {
        let _ = request;
        Box::pin(ready(Ok(())))
    }

    /// The head of a response has arrived, also that of a refusal that is retried.
    fn head(&self, call: &ObservedCall, head: &ResponseHead) {
        let _ = (call, head);
    }

    /// Returns whether [`event`](Self::event) is called. It is asked once for each call. Default: no.
    fn wants_events(&self) -> bool {
        false
    }

    /// An event has arrived, and goes to the target next.
    ///
    /// # Errors
    /// [`Denied`]: neither this event nor a later one reaches the target, and the stream ends with
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied). The partial response has what had arrived.
    fn event(&self, call: &ObservedCall, event: &Payload) -> Result<(), Denied> {
        let _ = (call, event);
        Ok(())
    }

    /// The call has ended, and the target has its end: once for each call, also for one that was never sent.
    fn end(&self, call: &ObservedCall, end: &ObservedEnd<'_>) {
        let _ = (call, end);
    }
}

/// What [`Observer::before`] waits for. It need not be `Send`.
pub type BeforeFuture<'a> = Pin<Box<dyn Future<Output = Result<(), Denied>> + 'a>>;

impl<F> Observer for F
where
    F: Fn(&mut ObservedRequest) -> Result<(), Denied> + Send + Sync + 'static,
{
    fn before<'a>(&'a self, request: &'a mut ObservedRequest) -> BeforeFuture<'a> {
        Box::pin(ready(self(request)))
    }
}

impl<T: Observer> Observer for Arc<T> {
    fn before<'a>(&'a self, request: &'a mut ObservedRequest) -> BeforeFuture<'a> {
        T::before(self, request)
    }

    fn head(&self, call: &ObservedCall, head: &ResponseHead) {
        T::head(self, call, head);
    }

    fn wants_events(&self) -> bool {
        T::wants_events(self)
    }

    fn event(&self, call: &ObservedCall, event: &Payload) -> Result<(), Denied> {
        T::event(self, call, event)
    }

    fn end(&self, call: &ObservedCall, end: &ObservedEnd<'_>) {
        T::end(self, call, end);
    }
}

/// Why an observer does not let a request or an event pass. The message is that of the stream's error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    message: Arc<str>,
}

impl Denied {
    /// A refusal with this message, which says why and what to do.
    pub fn new(message: impl Into<Arc<str>>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Denied {}

impl From<Denied> for ErrorKind {
    fn from(denied: Denied) -> Self {
        Self::Denied { message: denied.message }
    }
}

/// The observers of a client, in the order in which they are called.
#[derive(Clone, Default)]
pub(crate) struct Observers(Vec<Arc<dyn Observer>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: impl Observer) {
        self.0.push(Arc::new(observer));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn Observer> {
        self.0.iter().map(|observer| &**observer)
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} observers", self.0.len())
    }
}
