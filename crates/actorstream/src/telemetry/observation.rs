//! `Observation`: calls the observers of one call.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use actorstream_proto::answer::tools::Round;
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::outcome::finish::Outcome;
use actorstream_proto::outcome::response_head::ResponseHead;
use actorstream_proto::outcome::tokens::Tokens;
use actorstream_proto::request::multipart::RequestBody;
use futures_util::FutureExt as _;

use crate::settings::cost::{Amount, Prices};
use crate::settings::observer::{Denied, ObservedCall, ObservedEnd, ObservedRequest, Observer, Observers};
use crate::settings::options::Options;

/// The observers of one call; nothing if it has none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observation(Option<Arc<Observed>>);

#[derive(Debug)]
struct Observed {
    call: Arc<ObservedCall>,
    observers: Observers,
    prices: Option<Prices>,
    /// Which of them want events; none if no one does.
    wants_events: Vec<bool>,
    /// Of each response that called tools, whether an observer answered in place of the server.
    rounds_by_observer: Mutex<Vec<bool>>,
}

impl Observation {
    /// The call begins.
    pub(crate) fn start(options: &Options, operation: &'static str, is_streamed: bool) -> Self {
        if options.observers.is_empty() {
            return Self(None);
        }
        let call =
            ObservedCall { owner: options.owner.clone(), operation, is_streamed, ..Default::default() };
        let wants = |observer: &dyn Observer| catch_unwind(AssertUnwindSafe(|| observer.wants_events()));
        let wants_events: Vec<bool> =
            options.observers.iter().map(|observer| wants(observer).unwrap_or(false)).collect();
        Self(Some(Arc::new(Observed {
            call: Arc::new(call),
            observers: options.observers.clone(),
            prices: options.prices.clone(),
            wants_events: if wants_events.contains(&true) { wants_events } else { Vec::new() },
            rounds_by_observer: Mutex::default(),
        })))
    }

    /// The request is known.
    pub(crate) fn request(&mut self, body: &RequestBody) {
        if let Some(call) = self.call_mut() {
            call.model = body.get::<String>("model").map(Into::into);
        }
    }

    /// The stream has this id.
    pub(crate) fn identify(&mut self, id: u64) {
        if let Some(call) = self.call_mut() {
            call.id = id;
        }
    }

    /// The call, before it is shared.
    fn call_mut(&mut self) -> Option<&mut ObservedCall> {
        Arc::get_mut(&mut Arc::get_mut(self.0.as_mut()?)?.call)
    }

    /// Returns the call, if it has observers.
    pub(crate) fn call(&self) -> Option<&Arc<ObservedCall>> {
        self.0.as_ref().map(|observed| &observed.call)
    }

    /// Returns whether an observer wants events.
    #[inline]
    pub(crate) fn wants_events(&self) -> bool {
        self.0.as_ref().is_some_and(|observed| !observed.wants_events.is_empty())
    }

    /// A request is about to go out.
    ///
    /// # Errors
    /// If an observer denies it, panics, or wants to change what cannot be changed.
    pub(crate) async fn before(&self, request: &mut ObservedRequest) -> Result<(), ErrorKind> {
        let Some(observed) = &self.0 else { return Ok(()) };
        for observer in observed.observers.iter() {
            // The closure may panic before there is a future.
            let asking = AssertUnwindSafe(async { observer.before(request).await });
            asking.catch_unwind().await.map_err(|_| ErrorKind::ObserverPanicked)??;
            if let Some(message) = request.changes.wrong.take() {
                return Err(ErrorKind::Config { message: message.into() });
            }
            if request.changes.answer.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// A head has arrived.
    ///
    /// # Errors
    /// If an observer panics.
    pub(crate) fn head(&self, head: &ResponseHead) -> Result<(), ErrorKind> {
        self.each(|_, observer, call| {
            observer.head(call, head);
            Ok(())
        })
    }

    /// An event goes to the target next.
    ///
    /// # Errors
    /// If an observer denies it, or panics.
    pub(crate) fn event<E: Event>(&self, event: &E) -> Result<(), ErrorKind> {
        self.each(
            |wants_events, observer, call| {
                if wants_events { observer.event(call, event.payload()) } else { Ok(()) }
            },
        )
    }

    /// Tells each observer something, until one denies it or panics; `tell` learns whether it wants events.
    fn each(
        &self,
        tell: impl Fn(bool, &dyn Observer, &ObservedCall) -> Result<(), Denied>,
    ) -> Result<(), ErrorKind> {
        let Some(observed) = &self.0 else { return Ok(()) };
        let wants_events = observed.wants_events.iter().copied().chain(std::iter::repeat(false));
        for (observer, wants_events) in observed.observers.iter().zip(wants_events) {
            catch_unwind(AssertUnwindSafe(|| tell(wants_events, observer, &observed.call)))
                .map_err(|_| ErrorKind::ObserverPanicked)??;
        }
        Ok(())
    }

    /// The tools run that a response has called: that of the server, or of an observer.
    pub(crate) fn round(&self, by_observer: bool) {
        if let Some(observed) = &self.0 {
            let rounds = &observed.rounds_by_observer;
            rounds.lock().unwrap_or_else(PoisonError::into_inner).push(by_observer);
        }
    }

    /// The call has ended. Nobody hears of it after that.
    pub(crate) fn end<E: Event>(&mut self, outcome: &Outcome<E::Response>) {
        let Some(observed) = self.0.take() else { return };
        let end = observed.ended::<E>(outcome);
        for observer in observed.observers.iter() {
            if catch_unwind(AssertUnwindSafe(|| observer.end(&observed.call, &end))).is_err() {
                tracing::error!(stream = observed.call.id, "an observer panicked at the end of a call");
            }
        }
    }
}

impl Observed {
    fn ended<'a, E: Event>(&self, outcome: &'a Outcome<E::Response>) -> ObservedEnd<'a> {
        let (rounds, last) = match outcome {
            Ok(finish) => (&finish.rounds[..], Some(&*finish.response)),
            Err(error) => {
                let rounds = error.rounds::<E::Response>();
                // Where nothing of a later response has arrived, the partial one is that of the last round.
                let is_counted =
                    |response| rounds.last().is_some_and(|round| std::ptr::eq(&*round.response, response));
                (rounds, error.partial::<E::Response>().filter(|response| !is_counted(*response)))
            }
        };
        let response = last.or(rounds.last().map(|round| &*round.response));
        let identity = response.map(E::identity).unwrap_or_default();
        let (error, timings, attempts, tried) = match outcome {
            Ok(finish) => (None, finish.timings, finish.attempts, &finish.tried),
            Err(error) => (Some(error), error.timings, error.attempts, &error.tried),
        };
        let last_by_observer = tried.last().is_some_and(|attempt| attempt.by_observer);
        let rounds_by_observer = self.rounds_by_observer.lock().unwrap_or_else(PoisonError::into_inner);
        let usages: Vec<_> = rounds
            .iter()
            .zip(&*rounds_by_observer)
            .map(|(Round { response, usage, .. }, by_observer)| (&**response, *usage, *by_observer))
            .chain(last.map(|response| (response, E::tokens(response), last_by_observer)))
            .filter_map(|(response, usage, by_observer)| Some((response, usage?, by_observer)))
            .collect();
        let cost = |(response, usage, by_observer): &(&E::Response, Tokens, bool)| {
            let models = E::identity(response).model.into_iter().chain(self.call.model());
            let price = self.prices.as_ref()?.find(models)?;
            // What never reached a server costs nothing.
            Some(if *by_observer { Amount::ZERO } else { price.cost(usage) })
        };
        let costs: Vec<Amount> = usages.iter().filter_map(cost).collect();
        ObservedEnd {
            error,
            response_id: identity.id,
            model: identity.model,
            usage: Tokens::sum(usages.into_iter().map(|(_, usage, _)| usage)),
            cost: (!costs.is_empty()).then(|| costs.into_iter().sum()),
            timings,
            attempts,
            tried,
            response: response.map(|response| response as &(dyn Any + Send + Sync)),
        }
    }
}
