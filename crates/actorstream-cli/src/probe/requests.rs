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
    /// How it ended, in a few words; the report sets it.
    pub(super) end: Option<String>,
    /// Whether its times are those of the server: nobody paused or cancelled.
    pub(super) is_timed: bool,
}

/// The requests of a probe.
#[derive(Debug)]
pub(super) struct Requests {
    openai: OpenAi,
    model: String,
    limits: Limits,
    timeouts: Timeouts,
    pause: Duration,
    key: Key,
}

/// Where the server gets a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// It gets none.
    None,
    /// The client's own, which a request can replace.
    Own,
    /// Also, or only, in a header or the URL, where it stays.
    Elsewhere,
}

/// The names of the requests, in their order.
const NAMES: [&str; 9] =
    ["short", "long", "tools", "n = 2", "usage", "bad model", "bad key", "cancelled", "silence"];

impl Requests {
    /// Requests for `model`, with these timeouts and limits. One of them pauses for `pause`.
    pub(super) fn new(
        openai: &OpenAi,
        model: String,
        timeouts: Timeouts,
        limits: Limits,
        pause: Duration,
        key: Key,
    ) -> Self {
        // More than the tokens that are asked for.
        let limits = Limits { response: limits.response.min(MAX_RESPONSE), ..limits };
        Self { openai: openai.clone(), model, timeouts, limits, pause, key }
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
            let failed = probed.first().and_then(|short| short.observation.as_ref()).and_then(unusable);
            if let Some(why) = failed {
                probed.push(Probed::skipped(name, why));
                continue;
            }
            if name == "bad key" && self.key == Key::Elsewhere {
                probed.push(Probed::skipped(name, "the key is in a header or the URL, where it stays"));
                continue;
            }
            let mut made = self.one(name, max_tokens, &probed).await;
            if name == "short" && wants_other_limit(&made) {
                max_tokens = "max_completion_tokens";
                made = self.one(name, max_tokens, &probed).await;
            }
            if name == "short" && made.observation.as_ref().and_then(unusable).is_some() {
                made.judgement = made.judgement.failed();
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
                let judge = |observation: &Observation| verdict::bad_key(observation, self.key == Key::Own);
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
                let total = self.timeouts.total.map(|total| total.saturating_add(self.pause));
                let call = call.timeouts(Timeouts { total, ..self.timeouts.clone() });
                let pause = |count| if count == 1 { Next::Pause(self.pause) } else { Next::Read };
                let paused = Observation::of(&call, &long, pause).await;
                let longest = before.iter().filter(|probed| probed.is_timed);
                let longest = longest.filter_map(|probed| probed.observation.as_ref()?.gaps().max()).max();
                let judgement = verdict::silence(&paused, self.pause, longest);
                (paused, judgement)
            }
            _ => judged(Observation::of(&call, &short, read).await, verdict::text),
        };
        Probed { name, judgement, observation: Some(observation), end: None, is_timed }
    }

    /// A call that is sent once and ends in bounded time.
    fn call(&self) -> Call<Chat> {
        self.openai
            .chat()
            .retry(RetryPolicy::none())
            .timeouts(self.timeouts.clone())
            .limits(self.limits.clone())
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

impl Probed {
    fn skipped(name: &'static str, why: &str) -> Self {
        Self { name, judgement: Judgement::skipped(why), observation: None, end: None, is_timed: false }
    }
}

/// Why nothing more can be asked of a server that answered the first request like this.
fn unusable(short: &Observation) -> Option<&'static str> {
    match &short.outcome.as_ref().err()?.kind {
        ErrorKind::Config { .. } => Some("the first request could not be made"),
        ErrorKind::Transport { .. } => Some("the first request found no server to answer it"),
        ErrorKind::Timeout { .. } if short.arrivals.is_empty() => {
            Some("the first request got no answer in time")
        }
        ErrorKind::NotAStream { .. } => Some("the answer to the first request is not of this API"),
        ErrorKind::Refused(refused) => match refused.status {
            401 | 403 => Some("the first request was refused for its key"),
            404 => Some("the first request was refused: no such path or no such model; see --model"),
            407 => Some("the proxy refused the first request"),
            _ => None,
        },
        _ => None,
    }
}

/// Whether the server knows the limit of tokens by its newer name only.
fn wants_other_limit(short: &Probed) -> bool {
    let error = short.observation.as_ref().and_then(|observation| observation.outcome.as_ref().err());
    error.is_some_and(|error| {
        error.status() == Some(400) && error.to_string().contains("max_completion_tokens")
    })
}
