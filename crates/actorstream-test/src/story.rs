//! The built-in upstream for manual experiments.

use serde_json::{Value, json};

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::chat_stream::ChatStream;
use crate::completion_stream::CompletionStream;
use crate::reply::Reply;
use crate::request::Request;
use crate::response_stream::ResponseStream;
use crate::script::Script;
use crate::story_media;
use crate::story_responses::Responses;

/// The time between two tokens.
const PACE: Duration = Duration::from_millis(25);

/// The maximum length of the echoed prompt, in characters.
const ECHO: usize = 60;

const REASONING: &str = "Somebody wants to be told something. A lighthouse would do, and a keeper \
    with too much time. Keep it short, end it kindly.";

const STORY: &str = "The keeper of the lighthouse read it twice, folded the paper and put it into \
    her coat.\n\nNobody had written to her in eleven years. The boat brought flour, lamp oil and \
    the weather, and took away nothing but empty crates. So she climbed the stairs, all two \
    hundred and four, and thought about an answer on each of them.\n\nAt the top she found that \
    she had too many. She lit the lamp, and instead of turning it evenly, as the rules demand, \
    she began to cover it with her hat: long, short, short, long. All night she told the sea what \
    she knew.\n\nToward morning, far out, where no ship was expected, a small light answered. It \
    said: go on.\n\nShe still does. If you stand on that coast after dark and count, you will \
    find that she is in the middle of a sentence.";

/// Returns an upstream for manual experiments: it streams a short story, token by token.
///
/// It answers `POST …/chat/completions`, `POST …/completions` and `POST …/responses` as the OpenAI API does.
/// `GET …/responses/{id}` returns one of the last 256 responses, streamed after `starting_after` or whole. It honours
/// `model`, `stream` and `stream_options.include_usage`, and repeats the start of the prompt. Models whose name
/// begins with `o` or contains `reason` send `reasoning_content` first. `POST …/images/generations`,
/// `…/images/edits`, `…/audio/transcriptions` and `…/audio/speech` are answered with a gradient, a few words and
/// some tones, streamed if the request asks for it. All images are PNG, and all audio is WAV. `GET …/models` lists
/// two models, one of them with a `shutdown_date`.
///
/// A body that is not a JSON object gets a 400, any other request a 404, both in the API's format.
pub fn story() -> Script {
    let count = AtomicU64::new(0);
    let responses = Responses::default();
    Script::with(move |request| {
        let n = count.fetch_add(1, Ordering::Relaxed);
        answer(request, n, &responses)
    })
}

fn answer(request: &Request, n: u64, responses: &Responses) -> Reply {
    if let Some(reply) = responses.answer(request, PACE) {
        return reply;
    }
    if request.method == "GET" && request.path.ends_with("/models") {
        return models();
    }
    let is_post = request.method == "POST";
    if let Some(reply) = is_post.then(|| story_media::answer(request)).flatten() {
        return reply;
    }
    let chat = request.path.ends_with("/chat/completions");
    let response = request.path.ends_with("/responses");
    if !is_post || !chat && !response && !request.path.ends_with("/completions") {
        let message = format!("Invalid URL ({} {})", request.method, request.path);
        return Reply::error(404, "invalid_request_error", &message);
    }
    let asked = match request.try_json() {
        Ok(asked @ Value::Object(_)) => Asked(asked),
        Ok(_) => return bad_body("it is not an object"),
        Err(error) => return bad_body(&error.to_string()),
    };
    if chat {
        answer_chat(&asked, n)
    } else if response {
        answer_response(&asked, n, responses)
    } else {
        answer_completion(&asked, n)
    }
}

/// Returns the list of models: the one that tells the story, and one with an announced shutdown.
fn models() -> Reply {
    let model = |id: &str, shutdown_date: Option<&str>| json!({"id": id, "object": "model", "created": 1_780_000_000, "owned_by": "actorstream", "shutdown_date": shutdown_date});
    let data = [model("story", None), model("old-story", Some("2030-01-31"))];
    Reply::json(200, &json!({"object": "list", "data": data}))
}

fn bad_body(why: &str) -> Reply {
    let message = format!("We could not parse the JSON body of your request: {why}");
    Reply::error(400, "invalid_request_error", &message)
}

fn answer_chat(asked: &Asked, n: u64) -> Reply {
    let prompt = asked.chat_prompt();
    let story = begin(&prompt);
    let model = asked.model();
    let mut tokens = words(&story);
    let mut stream = ChatStream::new();
    if asked.reasons() {
        tokens += words(REASONING);
        stream = stream.reasoning_content(REASONING);
    }
    let stream =
        stream.id(format!("chatcmpl-story-{n}")).model(model).created(now()).content(story).delta_words();
    if !asked.streams() {
        return Reply::json(200, &stream.usage(words(&prompt), tokens).completion());
    }
    let stream = match asked.includes_usage() {
        true => stream.usage(words(&prompt), tokens),
        false => stream,
    };
    stream.reply().pace(PACE)
}

fn answer_completion(asked: &Asked, n: u64) -> Reply {
    let prompt = asked.text_prompt();
    let story = begin(&prompt);
    let tokens = words(&story);
    let stream = CompletionStream::new()
        .id(format!("cmpl-story-{n}"))
        .model(asked.model())
        .created(now())
        .text(story)
        .delta_words();
    if !asked.streams() {
        return Reply::json(200, &stream.usage(words(&prompt), tokens).completion());
    }
    let stream = match asked.includes_usage() {
        true => stream.usage(words(&prompt), tokens),
        false => stream,
    };
    stream.reply().pace(PACE)
}

fn answer_response(asked: &Asked, n: u64, responses: &Responses) -> Reply {
    let prompt = asked.input();
    let story = begin(&prompt);
    let model = asked.model();
    let mut tokens = words(&story);
    let id = format!("resp_story{n}");
    let mut stream = ResponseStream::new()
        .id(&id)
        .model(model)
        .created_at(now())
        .background(asked.0["background"] == true)
        .delta_words();
    if asked.reasons() {
        tokens += words(REASONING);
        stream = stream.reasoning(REASONING);
    }
    let stream = stream.text(story).usage(words(&prompt), tokens);
    responses.make(id, stream, asked.streams(), PACE)
}

/// The fields of a request. A missing or mistyped field counts as unset.
struct Asked(Value);

impl Asked {
    fn model(&self) -> &str {
        self.0["model"].as_str().unwrap_or("story")
    }

    fn reasons(&self) -> bool {
        self.model().starts_with('o') || self.model().contains("reason")
    }

    fn streams(&self) -> bool {
        self.0["stream"] == true
    }

    fn includes_usage(&self) -> bool {
        self.0["stream_options"]["include_usage"] == true
    }

    /// Returns the text of the last user message.
    fn chat_prompt(&self) -> String {
        let messages = self.0["messages"].as_array();
        let mut messages = messages.into_iter().flatten().rev();
        match messages.find(|message| message["role"] == "user") {
            Some(message) => text(&message["content"]),
            None => String::new(),
        }
    }

    /// Returns the text of the last user message in a response's input.
    fn input(&self) -> String {
        match &self.0["input"] {
            Value::Array(items) => {
                let mut items = items.iter().rev();
                items
                    .find(|item| item["role"] == "user")
                    .map(|item| text(&item["content"]))
                    .unwrap_or_default()
            }
            input => text(input),
        }
    }

    fn text_prompt(&self) -> String {
        text(&self.0["prompt"])
    }
}

/// Returns the text of a string, or of a list of strings or content parts.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let parts = parts.iter().map(|part| part.as_str().or(part["text"].as_str()));
            parts.flatten().collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

/// Returns the story, prefixed with the start of the prompt.
fn begin(prompt: &str) -> String {
    let prompt = prompt.split_whitespace().collect::<Vec<_>>().join(" ");
    match prompt.char_indices().nth(ECHO) {
        _ if prompt.is_empty() => format!("A bottle came ashore with an empty page. {STORY}"),
        Some((end, _)) => format!("A bottle came ashore with the words “{}…” {STORY}", &prompt[..end]),
        None => format!("A bottle came ashore with the words “{prompt}” {STORY}"),
    }
}

fn words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}
