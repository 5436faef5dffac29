//! `Requests`: the requests of a probe.

use std::time::Duration;

use actorstream::{Call, Chat, ErrorKind, Limits, OpenAi, RetryPolicy, Timeouts};
use serde_json::{Value, json};

use super::observation::{Next, Observation};
use super::times::Times;
use super::verdict::{self, Judgement};

/// A key that no server has given out.
const BAD_KEY: &str = "sk-actorstream-probe-no-such-key";

/// A model that no server has.
const BAD_MODEL: &str = "actorstream-probe-no-such-model";

/// How much a response may hold: more than the tokens that are asked for.
const MAX_RESPONSE: usize = 1 << 20;

/// The text of the requests that are to be answered at length.
const COUNT: &str = "Count from 1 to 60 in digits, separated by spaces.";

/// One request, and what came of it.
#[derive(Debug)]
pub(super) struct Probed {
    pub(super) name: &'static str,
    pub(super) judgement: Judgement,
    /// `None` if it was not made.
    pub(super) observation: Option<Observation>,
    /// Whether its times are those of the server: nobody paused or cancelled.
    pub(super) is_timed: bool,
}

/// The requests of a probe.
#[derive(Debug)]
pub(super) struct Requests {
    openai: OpenAi,
    model: String,
    limit: Duration,
    pause: Duration,
    has_key: bool,
}

/// The names of the requests, in their order.
const NAMES: [&str; 9] =
    ["short", "long", "tools", "n = 2", "usage", "bad model", "bad key", "cancelled", "silence"];

impl Requests {
    /// Requests for `model`, each of which may take `limit`. `has_key` tells whether the client sends a key.
    pub(super) fn new(
        openai: &OpenAi,
        model: String,
        limit: Duration,
        pause: Duration,
        has_key: bool,
    ) -> Self {
        Self { openai: openai.clone(), model, limit, pause, has_key }
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// Makes the requests one after the other. `progress` gets how many are made, and how many there are. If the first one finds
    /// no server, the others are skipped.
    pub(super) async fn run(&self, progress: impl Fn(usize, usize)) -> Vec<Probed> {
        let mut probed: Vec<Probed> = Vec::new();
        let mut max_tokens = "max_tokens";
        for name in NAMES {
            progress(probed.len(), NAMES.len());
            if probed.first().is_some_and(|short| short.observation.as_ref().is_some_and(is_unreachable)) {
                let judgement = Judgement::skipped("the first request found no server to answer it");
                probed.push(Probed { name, judgement, observation: None, is_timed: false });
                continue;
            }
            let mut made = self.one(name, max_tokens, &probed).await;
            if name == "short" && wants_other_limit(&made) {
                max_tokens = "max_completion_tokens";
                made = self.one(name, max_tokens, &probed).await;
            }
            probed.push(made);
        }
        progress(NAMES.len(), NAMES.len());
        probed
    }

    /// Makes one of them, and those that belong to it.
    async fn one(&self, name: &'static str, max_tokens: &str, before: &[Probed]) -> Probed {
        let read = |_| Next::Read;
        let short = self.body("Say hello.", max_tokens, 16);
        let long = self.body(COUNT, max_tokens, 200);
        let call = self.call();
        let mut is_timed = true;
        let (observation, judgement) = match name {
            "long" => judged(Observation::of(&call, &long, read).await, verdict::text),
            "tools" => {
                let mut body = self.body("What is the weather in Paris?", max_tokens, 100);
                body["tools"] = json!([{"type": "function", "function": {
                    "name": "get_weather",
                    "description": "The weather in a city",
                    "parameters": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}},
                        "required": ["city"],
                    },
                }}]);
                body["tool_choice"] = json!("required");
                judged(Observation::of(&call, &body, read).await, verdict::tools)
            }
            "n = 2" => {
                let mut body = short;
                body["n"] = json!(2);
                judged(Observation::of(&call, &body, read).await, verdict::two_choices)
            }
            "usage" => {
                let mut body = short;
                body["stream_options"] = json!({"include_usage": true});
                judged(Observation::of(&call, &body, read).await, verdict::usage)
            }
            "bad model" => {
                let mut body = short;
                body["model"] = json!(BAD_MODEL);
                judged(Observation::of(&call, &body, read).await, verdict::bad_model)
            }
            "bad key" => {
                let call = call.api_key(BAD_KEY);
                let judge = |observation: &Observation| verdict::bad_key(observation, self.has_key);
                judged(Observation::of(&call, &short, read).await, judge)
            }
            "cancelled" => {
                is_timed = false;
                let cancelled = Observation::of(&call, &long, |_| Next::Cancel).await;
                let after = Observation::of(&call, &short, read).await;
                let timed = before.iter().filter(|probed| probed.is_timed);
                let first = Times::of(timed.filter_map(|probed| probed.observation.as_ref()?.first_event()));
                let usual = first.quantile(0.5);
                let judgement = verdict::cancelled(&cancelled, &after, usual);
                (cancelled, judgement)
            }
            "silence" => {
                is_timed = false;
                let pause = |count| if count == 1 { Next::Pause(self.pause) } else { Next::Read };
                let paused = Observation::of(&call, &long, pause).await;
                let longest = before.iter().filter(|probed| probed.is_timed);
                let longest = longest.filter_map(|probed| probed.observation.as_ref()?.gaps().max()).max();
                let judgement = verdict::silence(&paused, self.pause, longest);
                (paused, judgement)
            }
            _ => judged(Observation::of(&call, &short, read).await, verdict::text),
        };
        Probed { name, judgement, observation: Some(observation), is_timed }
    }

    /// A call that is sent once and ends in bounded time.
    fn call(&self) -> Call<Chat> {
        let timeouts = Timeouts::default().first_event(self.limit).total(self.limit + self.pause);
        let limits = Limits { response: MAX_RESPONSE, ..Limits::default() };
        self.openai.chat().retry(RetryPolicy::none()).timeouts(timeouts).limits(limits)
    }

    fn body(&self, prompt: &str, max_tokens: &str, tokens: u32) -> Value {
        json!({
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            max_tokens: tokens,
        })
    }
}

fn judged(observation: Observation, judge: impl Fn(&Observation) -> Judgement) -> (Observation, Judgement) {
    let judgement = judge(&observation);
    (observation, judgement)
}

/// Whether there is no server, or none that speaks the API.
fn is_unreachable(short: &Observation) -> bool {
    short.outcome.as_ref().is_err_and(|error| match &error.kind {
        ErrorKind::Transport { .. } | ErrorKind::NotAStream { .. } | ErrorKind::Config { .. } => true,
        ErrorKind::Timeout { .. } => short.arrivals.is_empty(),
        ErrorKind::Refused(refused) => [401, 403, 404, 407].contains(&refused.status),
        _ => false,
    })
}

/// Whether the server knows the limit of tokens by its newer name only.
fn wants_other_limit(short: &Probed) -> bool {
    let error = short.observation.as_ref().and_then(|observation| observation.outcome.as_ref().err());
    error.is_some_and(|error| {
        error.status() == Some(400) && error.to_string().contains("max_completion_tokens")
    })
}
