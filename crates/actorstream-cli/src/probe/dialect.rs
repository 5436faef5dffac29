//! The dialect of a server: what it may be, and its habits.

use std::collections::BTreeSet;

use actorstream::ResponseHead;

use super::observation::{Habit, Observation};
use super::requests::Probed;

/// The longest text of a server that is shown, in characters.
const LONGEST: usize = 60;

/// Headers that tell which server answered.
const HEADERS: [(&str, &str); 9] = [
    ("x-litellm-version", "LiteLLM"),
    ("x-litellm-call-id", "LiteLLM"),
    ("x-portkey-trace-id", "Portkey"),
    ("x-groq-region", "Groq"),
    ("apim-request-id", "Azure OpenAI"),
    ("openai-processing-ms", "OpenAI"),
    ("cf-aig-cache-status", "Cloudflare AI Gateway"),
    ("x-envoy-upstream-service-time", "something behind Envoy"),
    ("x-kong-upstream-latency", "something behind Kong"),
];

/// What is known of a server's dialect, as sentences.
pub(super) fn describe(probed: &[Probed]) -> Vec<String> {
    let observations: Vec<&Observation> =
        probed.iter().filter_map(|probed| probed.observation.as_ref()).collect();
    let heads: Vec<&ResponseHead> =
        observations.iter().filter_map(|observation| observation.head()).collect();
    let mut sentences = Vec::new();
    let guesses = guesses(&observations, &heads);
    if !guesses.is_empty() {
        sentences.push(format!("by its answers, this is {}", guesses.join(", ")));
    }
    sentences.extend(ends(&observations));
    let habits: BTreeSet<Habit> =
        observations.iter().flat_map(|observation| observation.habits.iter().copied()).collect();
    sentences.extend(habits.into_iter().map(|habit| words(habit).to_owned()));
    if !heads.is_empty() {
        let has = |is: fn(&ResponseHead) -> bool| heads.iter().any(|head| is(head));
        if !has(|head| head.request_id().is_some()) {
            sentences.push("its answers have no request id".to_owned());
        }
        if has(|head| head.headers().any(|(name, _)| name.contains("ratelimit"))) {
            sentences.push("it tells its rate limits in headers".to_owned());
        }
    }
    sentences
}

/// Which servers it may be.
fn guesses(observations: &[&Observation], heads: &[&ResponseHead]) -> Vec<String> {
    let mut guesses: Vec<String> = Vec::new();
    let mut guess = |what: String| {
        if !guesses.contains(&what) {
            guesses.push(what);
        }
    };
    for (header, server) in HEADERS {
        if heads.iter().any(|head| head.header(header).is_some()) {
            guess(server.to_owned());
        }
    }
    for observation in observations {
        match observation.fingerprint.as_deref() {
            Some("fp_ollama") => guess("Ollama".to_owned()),
            // The number and the commit of a build.
            Some(build)
                if build.starts_with('b') && build[1..].starts_with(|digit: char| digit.is_ascii_digit()) =>
            {
                guess("llama.cpp".to_owned());
            }
            _ => {}
        }
        if observation.habits.contains(&Habit::Provider) {
            guess("OpenRouter".to_owned());
        }
    }
    if let Some(server) = heads.iter().find_map(|head| head.header("server")) {
        guess(format!("served by {}", short(server)));
    }
    guesses
}

/// How its streams end.
fn ends(observations: &[&Observation]) -> Vec<String> {
    let finished: Vec<_> = observations.iter().filter(|observation| observation.finish().is_some()).collect();
    let finishes = || finished.iter().filter_map(|observation| observation.finish());
    let mut sentences = Vec::new();
    let streams: Vec<_> = finished.iter().filter(|observation| observation.unstreamed().is_none()).collect();
    let marked = streams.iter().filter_map(|stream| stream.finish()).filter(|finish| finish.sentinel).count();
    if !streams.is_empty() {
        sentences.push(match marked {
            0 => "no stream ends with [DONE]".to_owned(),
            all if all == streams.len() => "streams end with [DONE]".to_owned(),
            some => format!("{some} of {} streams end with [DONE]", streams.len()),
        });
    }
    let whole = finished.len() - streams.len();
    if whole > 0 {
        sentences.push(format!("{whole} of {} answers are not streamed", finished.len()));
    }
    let reasons: BTreeSet<String> = finishes()
        .flat_map(|finish| &finish.finish_reasons)
        .map(|reason| short(reason.as_str()))
        .take(LONGEST)
        .collect();
    if !reasons.is_empty() {
        sentences.push(format!("finish reasons: {}", Vec::from_iter(reasons).join(", ")));
    }
    sentences
}

fn words(habit: Habit) -> &'static str {
    match habit {
        Habit::RoleInEachChunk => "the role is repeated in each chunk",
        Habit::UsageWithoutChoices => "the usage comes in a chunk of its own",
        Habit::UsageBesideChoices => "the usage comes in a chunk with choices",
        Habit::Reasoning => "reasoning comes in `reasoning`",
        Habit::ReasoningContent => "reasoning comes in `reasoning_content`",
        Habit::CallWithoutIndex => "tool calls have no index",
        Habit::CallInOnePiece => "tool calls come in one piece",
        Habit::NoId => "chunks have no id",
        Habit::ChangingId => "the id changes within a stream",
        Habit::Provider => "chunks name a provider",
        Habit::EmptyChoices => "some chunks have neither choices nor usage",
        Habit::ContentBesideFinishReason => "the last text comes with the finish reason",
    }
}

/// A text of the server in one line, if need be cut.
pub(super) fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut letters = line.chars();
    let mut short: String = letters.by_ref().take(LONGEST).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}
