//! Plays a scenario on the calling thread.

use std::sync::OnceLock;
use std::time::Duration;

use actix::{Actor, ArbiterHandle};
use actorstream::{
    ChatCompletion, ChatRequest, OpenAi, Outcome, RetryPolicy, StreamEvent, StreamHandle, Timeouts,
};
use actorstream_test::{Blackhole, ServerIdentity, TestCa, Upstream};
use tokio::time::timeout;

use crate::oracle;
use crate::scenario::{Fault, Manner, Phase, Scenario};
use crate::target::{Acting, Notes, channel, closure};
use crate::trace::{End, Trace};
use crate::wire::{FAULTY, Pace, RUN, script};

/// The environment of a run.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    /// The runtime of the upstreams.
    pub(crate) upstreams: tokio::runtime::Handle,
    /// The arbiter of actors; `None` for the thread that starts the stream.
    pub(crate) actors: Option<ArbiterHandle>,
    /// Whether the clock is paused.
    pub(crate) paused: bool,
}

impl Stage {
    fn pace(&self) -> Pace {
        let [drip, comment, gap] = if self.paused { [20, 1000, 500] } else { [1, 5, 12] };
        let [drip, comment, gap] = [drip, comment, gap].map(Duration::from_millis);
        Pace { drip, comment, gap }
    }

    /// Returns the time that a slow target takes for each event.
    fn slowness(&self) -> Duration {
        Duration::from_millis(if self.paused { 20 } else { 1 })
    }

    fn timeouts(&self, scenario: &Scenario) -> Timeouts {
        let [connect, first_event, queue, idle, stall] = match (self.paused, oracle::times_out(scenario)) {
            (true, _) => [3000, 4000, 5000, 6000, 8000],
            (false, true) => [150; 5],
            (false, false) => [20_000; 5],
        };
        // If more follows a finish reason, a slow machine must not treat it as the end.
        let tail = match (self.paused, scenario.fault) {
            (true, _) => 5000,
            (false, Fault::Silence | Fault::CommentsForever) => 150,
            (false, _) => 20_000,
        };
        Timeouts::unlimited()
            .connect(Duration::from_millis(connect))
            .first_event(Duration::from_millis(first_event))
            .queue(Duration::from_millis(queue))
            .idle(Duration::from_millis(idle))
            .stall(Duration::from_millis(stall))
            .tail(Duration::from_millis(tail))
    }

    /// A timeout that prevents a run from hanging.
    async fn within<T>(
        &self,
        trace: &mut Trace,
        what: &'static str,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let net = Duration::from_secs(if self.paused { 300 } else { 30 });
        let result = timeout(net, future).await.ok();
        if result.is_none() {
            trace.stuck.push(what);
        }
        result
    }
}

fn identity() -> &'static (TestCa, ServerIdentity) {
    static IDENTITY: OnceLock<(TestCa, ServerIdentity)> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let ca = TestCa::new();
        let identity = ca.identity(&["127.0.0.1"]);
        (ca, identity)
    })
}

pub(crate) fn blackhole() -> &'static Blackhole {
    static BLACKHOLE: OnceLock<Blackhole> = OnceLock::new();
    BLACKHOLE.get_or_init(Blackhole::new)
}

/// Longer than the buffers in front of a server that does not read, about 100 KiB.
const LARGE: usize = 300 << 10;

fn request(scenario: &Scenario) -> ChatRequest {
    let length = if scenario.phase == Phase::RequestBody { LARGE } else { 1 };
    ChatRequest::new("m").user("x".repeat(length))
}

fn upstream(scenario: &Scenario, stage: &Stage) -> Upstream {
    let _runtime = stage.upstreams.enter();
    let mut builder = Upstream::builder();
    if scenario.tls {
        builder = builder.tls(&identity().1);
    }
    if scenario.phase == Phase::RequestBody {
        builder = builder.receive_buffer(4096);
    }
    builder.spawn(script(scenario, stage.pace())).unwrap()
}

fn client(scenario: &Scenario, url: &str) -> OpenAi {
    let mut builder =
        OpenAi::builder().base_url(url).retry(RetryPolicy::none()).max_streams(places(scenario));
    if scenario.tls {
        builder = builder.only_ca_certificates().ca_certificate(identity().0.pem());
    }
    builder.build().unwrap()
}

fn places(scenario: &Scenario) -> usize {
    if scenario.phase == Phase::Queue { 1 } else { 4 }
}

/// Plays a scenario.
pub(crate) async fn play(scenario: Scenario, stage: Stage) -> Trace {
    let scenario = &scenario;
    let mut trace = Trace::default();
    let upstream = match scenario {
        _ if scenario.refused() || scenario.unanswered() => None,
        _ => Some(upstream(scenario, &stage)),
    };
    let url = match &upstream {
        Some(upstream) => upstream.base_url(),
        None if scenario.refused() => Upstream::refused_url(),
        None => blackhole().base_url(),
    };
    let openai = client(scenario, &url);
    if scenario.warm {
        let warm = openai.chat().stream_fn(request(scenario), |_| {});
        stage.within(&mut trace, "the end of the stream before", warm).await;
    }
    let holder = match &upstream {
        Some(upstream) if scenario.phase == Phase::Queue => {
            let handle = openai.chat().header(RUN, FAULTY).stream_fn(request(scenario), |_| {});
            stage.within(&mut trace, "the stream that has the place", upstream.request(0)).await;
            Some(handle)
        }
        _ => None,
    };

    let notes = Notes::default();
    let (handle, reading) = start(scenario, &stage, &openai, &notes);
    let reading = stage.upstreams.spawn(reading);
    if scenario.drops_handle {
        drop(handle);
    } else {
        let outcome: Option<Outcome<ChatCompletion>> =
            stage.within(&mut trace, "the outcome of the handle", handle).await;
        trace.outcome = outcome.map(|outcome| outcome.as_ref().map_or_else(End::from, End::from));
    }
    stage.within(&mut trace, "the release of the target", notes.released.wait()).await;
    stage.within(&mut trace, "the end of the reading", reading).await;
    if let Some(holder) = holder {
        holder.cancel();
        stage.within(&mut trace, "the end of the stream that had the place", holder).await;
    }
    if scenario.drops_handle {
        // Nothing reports the end of the stream.
        let free = async {
            while openai.available_permits() < places(scenario) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        stage.within(&mut trace, "a free place", free).await;
    }
    trace.places = (openai.available_permits(), places(scenario));

    if let Some(upstream) = &upstream {
        if !oracle::may_be_kept(scenario)
            && let Some(connection) = faulty_connection(scenario, upstream)
        {
            stage.within(&mut trace, "the closing of the connection", upstream.closed(connection)).await;
            let is_left = matches!(scenario.manner, Manner::Stops | Manner::StopsInBatch | Manner::Panics);
            let on_its_way = scenario.phase != Phase::Queue && scenario.fault == Fault::Silence;
            trace.noticed = notes.gone().filter(|_| is_left && on_its_way).map(|gone| gone.elapsed());
        }
        let next =
            openai.chat().retry(RetryPolicy::default()).stream_fn(ChatRequest::new("m").user("x"), |_| {});
        trace.next =
            stage.within(&mut trace, "the end of the next stream", next).await.map(|next| match next {
                Ok(finish) => Ok(finish.response.content().unwrap_or_default().to_owned()),
                Err(error) => Err(error.to_string()),
            });
    }
    trace.seen = notes.seen();
    trace
}

/// Returns the connection with the fault, if there is one: a stream may end before it has sent anything.
fn faulty_connection(scenario: &Scenario, upstream: &Upstream) -> Option<usize> {
    match scenario.phase {
        // It does not read further, and so cannot detect a close.
        Phase::RequestBody => None,
        Phase::Connect | Phase::Tls => (upstream.accepted() > 0).then_some(0),
        _ => {
            let requests = upstream.requests();
            requests
                .iter()
                .find(|request| request.header(RUN) == Some(FAULTY))
                .map(|request| request.connection)
        }
    }
}

type Reading = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts the stream. Also returns the future that reads the channel, if there is one.
fn start(
    scenario: &Scenario,
    stage: &Stage,
    openai: &OpenAi,
    notes: &Notes,
) -> (StreamHandle<ChatCompletion>, Reading) {
    let mut call = openai.chat().timeouts(stage.timeouts(scenario));
    if scenario.phase != Phase::Queue {
        call = call.header(RUN, FAULTY);
    }
    let request = request(scenario);
    let nothing: Reading = Box::pin(async {});
    match (scenario.manner, scenario.kind) {
        (Manner::CallbackPanics, _) | (Manner::Fast, 1) => {
            (call.stream(request, closure(scenario, notes)), nothing)
        }
        (Manner::Slow, _) | (Manner::Fast, 2) => {
            let pause = if scenario.manner == Manner::Slow { stage.slowness() } else { Duration::ZERO };
            let (sender, reading) = channel(notes, pause);
            (call.stream::<_, tokio::sync::mpsc::Sender<StreamEvent<_>>>(request, sender), Box::pin(reading))
        }
        _ => {
            let actor = Acting::new(scenario, notes, stage.slowness());
            let address = match &stage.actors {
                Some(arbiter) if scenario.elsewhere || actix::Arbiter::try_current().is_none() => {
                    Acting::start_in_arbiter(arbiter, |_| actor)
                }
                _ => actor.start(),
            };
            (call.stream(request, address), nothing)
        }
    }
}
