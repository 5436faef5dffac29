//! The server of the tests with stock clients (`tests/web`): relays in front of a scripted upstream.
//!
//! | prefix | what is there |
//! |---|---|
//! | `/api` | a relay whose chat route uses chat completions |
//! | `/over-responses` | the same with Responses |
//! | `/service` | the same with chat completions, and an actor that adds its own parts |
//! | `/pinging` | the same, which is never silent for longer than 20 ms |
//! | `/` | the chat page, on `/api` |
//! | `/control` | `open/{gate}` opens a gate of the script; `upstream` reports the numbers of connections and requests at upstream |
//!
//! The last text of a request selects upstream's response. The first line of standard output is the address.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::prelude::*;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actorstream::{
    ChatCompletion, ChatCompletionChunk, Finish, OpenAi, StreamError, StreamRef, StreamingClient,
    streaming_client,
};
use actorstream_test::{ChatStream, CompletionStream, Gate, Reply, Request, Script, Upstream};
use actorstream_web::event::{End, Part};
use actorstream_web::store::MemoryStore;
use actorstream_web::{Log, Relay, page};
use serde_json::{Value, json};

/// The gates of the script, which are created on first use.
#[derive(Clone, Default)]
struct Gates(Arc<Mutex<HashMap<String, Gate>>>);

impl Gates {
    fn get(&self, name: &str) -> Gate {
        self.0.lock().unwrap().entry(name.to_owned()).or_default().clone()
    }
}

const STORY: &str =
    "Once upon a time, a stream left its mountain 😀 and found the sea.\nIt never ended: \"bytes\".";

/// A response in Markdown, with content that no page may run.
const MARKDOWN: &str = r#"# A title

Text with **weight**, `code` and [a page](https://a.example); [none](javascript:broken=1).

```
let x = 1;
```

| a | b |
|---|---|
| a long cell in a table that is wider than the screen of a phone | and another one of them beside it |

1. one
2. two

<script>globalThis.broken = 1</script><img src=x onerror="globalThis.broken = 1"><iframe src="https://a.example"></iframe>
"#;

fn main() -> std::io::Result<()> {
    System::new().block_on(serve())
}

async fn serve() -> std::io::Result<()> {
    let gates = Gates::default();
    let script = Script::with({
        let gates = gates.clone();
        move |request| answer(request, &gates)
    });
    let upstream = web::Data::new(Upstream::start(script));
    let openai =
        OpenAi::builder().base_url(upstream.base_url()).api_key("sk-of-the-service").build().unwrap();
    let relay = || Relay::builder(openai.clone(), MemoryStore::default(), user).expose_upstream_errors(true);
    let plain = relay().build();
    let over_responses = relay().chat_over_responses().build();
    let pinging = relay().ping_every(Duration::from_millis(20)).build();
    let service = relay().through_chat(|log| Service { log }.start()).build();
    let server = HttpServer::new(move || {
        let control = web::scope("/control")
            .app_data(web::Data::new(gates.clone()))
            .app_data(upstream.clone())
            .route("/open/{gate}", web::post().to(open))
            .route("/upstream", web::get().to(seen));
        App::new()
            .service(control)
            .service(web::scope("/api").configure(|config| plain.configure(config)))
            .service(web::scope("/over-responses").configure(|config| over_responses.configure(config)))
            .service(web::scope("/pinging").configure(|config| pinging.configure(config)))
            .service(web::scope("/service").configure(|config| service.configure(config)))
            .configure(page::configure)
    })
    .workers(2)
    .h1_allow_half_closed(false)
    .shutdown_timeout(1)
    .bind(("127.0.0.1", 0))?;
    println!("listening on http://{}", server.addrs()[0]);
    std::io::stdout().flush()?;
    server.run().await
}

/// A header identifies the user.
fn user(request: HttpRequest) -> Ready<actix_web::Result<String>> {
    let name = request.headers().get("x-user").and_then(|name| name.to_str().ok());
    ready(Ok(name.unwrap_or("somebody").to_owned()))
}

async fn open(gates: web::Data<Gates>, name: web::Path<String>) -> HttpResponse {
    gates.get(&name).open();
    HttpResponse::NoContent().finish()
}

async fn seen(upstream: web::Data<Upstream>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"open": upstream.open(), "requests": upstream.request_count()}))
}

/// Runs the tool that the model calls, and adds parts as services do.
struct Service {
    log: Log,
}

impl Actor for Service {
    type Context = Context<Self>;
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Service {
    fn handle_data(&mut self, chunk: ChatCompletionChunk, _: &StreamRef, _: &mut Self::Context) {
        self.log.record(&chunk);
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, ctx: &mut Self::Context) {
        self.log.fail(&error);
        ctx.stop();
    }

    fn handle_finish(&mut self, end: Finish<ChatCompletion>, _: &StreamRef, ctx: &mut Self::Context) {
        let data = |percent: u8, transient| Part::Data {
            name: "progress".into(),
            id: Some("p".into()),
            data: json!({"percent": percent}),
            transient,
        };
        self.log.part(data(50, true));
        for call in end.response.choices[0].message.tool_calls.iter().flatten() {
            let tool_call_id = call.id.clone();
            self.log.part(Part::ToolOutput { tool_call_id, output: json!({"sunny": true}) });
        }
        self.log.part(data(100, false));
        let (url, title) = ("https://weather.example".into(), Some("Weather".into()));
        self.log.part(Part::Source { id: "s1".into(), url, title });
        let (url, media_type) = ("data:text/plain;base64,QUJD".into(), "text/plain".into());
        self.log.part(Part::File { url, media_type });
        self.log.end(End::Finish { reason: end.finish_reasons.first().map(ToString::to_string) });
        ctx.stop();
    }
}

/// Returns the last text of the request, and whether it contains a tool's result.
fn asked(body: &Value) -> (String, bool) {
    let list = body.get("messages").or_else(|| body.get("input")).and_then(Value::as_array);
    let Some(list) = list else {
        let text = body.get("input").or_else(|| body.get("prompt")).and_then(Value::as_str);
        return (text.unwrap_or_default().to_owned(), false);
    };
    let answered =
        list.last().is_some_and(|last| last["role"] == "tool" || last["type"] == "function_call_output");
    let users =
        list.iter().rev().find(|message| message["role"] == "user").map(|message| &message["content"]);
    let text = match users {
        Some(Value::Array(parts)) => parts.iter().rev().find_map(|part| part["text"].as_str()),
        Some(content) => content.as_str(),
        None => None,
    };
    (text.unwrap_or_default().to_owned(), answered)
}

fn answer(request: &Request, gates: &Gates) -> Reply {
    let body = request.try_json().unwrap_or_default();
    let (text, answered) = asked(&body);
    let (what, argument) = text.split_once(' ').unwrap_or((&text, ""));
    let stream = body["stream"] == true;
    let chat = request.path.ends_with("/chat/completions");
    match what {
        "refused" => Reply::error(400, "invalid_request_error", "The model does not take this."),
        "broken" if chat => {
            Reply::sse().events(ChatStream::new().content("Half an answer").events().take(3)).close()
        }
        "broken" => {
            Reply::sse().events(Response::new().text("Half an answer").events.into_iter().take(5)).close()
        }
        "fails" if chat => {
            let error = json!({"error": {"message": "The model fell over.", "type": "server_error", "code": "overloaded"}});
            Reply::sse()
                .events(ChatStream::new().content("Half an answer").events().take(3))
                .event(error)
                .end()
        }
        "fails" => {
            let mut events = Response::new().text("Half an answer").events;
            events.truncate(5);
            let error = json!({"code": "server_error", "message": "The model fell over."});
            events.push(Response::lifecycle("failed", 5, "failed", json!({"error": error})));
            Reply::sse().events(events).end()
        }
        _ if request.path.ends_with("/models") => Reply::json(200, &json!({"object": "list", "data": []})),
        _ if request.path.ends_with("/responses") => {
            let response = Response::new();
            let response = match what {
                "tool" if !answered => response.function("call_1", "weather", "{\"city\":\"Rome\"}"),
                "tool" => response.text("It is sunny in Rome."),
                "reasoning" => response.reasoning("Let me think.").text("I have thought."),
                "cites" => response.cited("See there.", "https://a.example", "A"),
                "long" => response.words(argument.parse().unwrap()),
                _ => response.text(STORY),
            };
            if stream {
                gated(response.events(), what, argument, gates)
            } else {
                Reply::json(200, &response.whole())
            }
        }
        _ if request.path.ends_with("/chat/completions") => {
            let chat = ChatStream::new();
            let chat = match what {
                "tool" if !answered => {
                    chat.tool_call("call_1", "weather", "{\"city\":\"Rome\"}").finish_reason("tool_calls")
                }
                "tool" => chat.content("It is sunny in Rome."),
                "nonsense" => {
                    chat.tool_call("call_1", "weather", "{\"city\":oops").finish_reason("tool_calls")
                }
                "reasoning" => chat.reasoning_content("Let me think.").content("I have thought."),
                "markdown" => chat.content(MARKDOWN),
                "echo" => chat.delta_chars(500).content(argument),
                "file" => chat.delta_chars(500).content(std::fs::read_to_string(argument).unwrap()),
                "paced" => chat.delta_chars(20).content(argument),
                "pieces" => pieces(argument).1.fold(chat.delta_chars(usize::MAX), ChatStream::content),
                "long" => chat.deltas(argument.parse().unwrap(), "word "),
                _ => chat.delta_words().content(STORY),
            };
            let chat = chat.usage(9, 12);
            if !stream {
                Reply::json(200, &chat.completion())
            } else if what == "pieces" {
                piece_by_piece(chat.events(), argument, gates)
            } else {
                gated(chat.events(), what, argument, gates)
            }
        }
        _ => {
            let completion = CompletionStream::new().delta_words().text(STORY).usage(9, 12);
            if stream { completion.reply() } else { Reply::json(200, &completion.completion()) }
        }
    }
}

/// Splits `<name> <piece>§<piece>§…` into the name and the pieces.
fn pieces(argument: &str) -> (&str, impl Iterator<Item = &str>) {
    let (name, text) = argument.split_once(' ').unwrap_or((argument, ""));
    (name, text.split('§'))
}

/// Replies with the events of `pieces`: the first piece at once, the next ones when the gates `<name>-1`,
/// `<name>-2`, … open.
fn piece_by_piece(events: impl Iterator<Item = String>, argument: &str, gates: &Gates) -> Reply {
    let (name, pieces) = pieces(argument);
    let mut events = events.peekable();
    // The role is in a separate event.
    let mut reply = Reply::sse().events(events.by_ref().take(2));
    for number in 1..pieces.count() {
        reply = reply.gate(&gates.get(&format!("{name}-{number}"))).events(events.by_ref().take(1));
    }
    // The end has a separate gate.
    reply.gate(&gates.get(&format!("{name}-end"))).events(events).done()
}

/// Replies with the events. For `gated <name>`, the first four are sent at once and the rest when the gate opens;
/// for `long` and `paced`, they are sent one by one.
fn gated(events: impl Iterator<Item = String>, what: &str, name: &str, gates: &Gates) -> Reply {
    let mut events = events.peekable();
    let mut reply = Reply::sse();
    if what == "gated" {
        reply = reply.events(events.by_ref().take(4)).gate(&gates.get(name));
    }
    let reply = reply.events(events).done();
    match what {
        "long" => reply.pace(Duration::from_micros(300)),
        "paced" => reply.pace(Duration::from_millis(2)),
        _ => reply,
    }
}

/// The events of a response.
struct Response {
    events: Vec<Value>,
    items: Vec<Value>,
}

impl Response {
    fn new() -> Self {
        let mut response = Self { events: Vec::new(), items: Vec::new() };
        for r#type in ["created", "in_progress"] {
            let number = response.events.len();
            response.events.push(Self::lifecycle(r#type, number, "in_progress", json!({"output": []})));
        }
        response
    }

    fn lifecycle(r#type: &str, number: usize, status: &str, more: Value) -> Value {
        let mut response = json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-4.1",
            "status": status, "output": [], "parallel_tool_calls": true, "tools": [], "tool_choice": "auto",
            "metadata": {}, "error": null, "incomplete_details": null, "instructions": null, "temperature": 1.0,
            "top_p": 1.0, "text": {"format": {"type": "text"}}});
        response.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"type": format!("response.{type}"), "sequence_number": number, "response": response})
    }

    fn push(&mut self, r#type: &str, fields: Value) {
        let mut event = json!({"type": format!("response.{type}"), "sequence_number": self.events.len(),
                               "output_index": self.items.len()});
        event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.events.push(event);
    }

    fn item(&mut self, begun: Value, whole: Value, between: impl FnOnce(&mut Self)) {
        self.push("output_item.added", json!({"item": begun}));
        between(self);
        self.push("output_item.done", json!({"item": whole}));
        self.items.push(whole);
    }

    fn message(mut self, deltas: &[&str], annotations: Value) -> Self {
        let id = format!("msg_{}", self.items.len());
        let text = deltas.concat();
        let message = |content: Value, status: &str| json!({"type": "message", "id": id, "role": "assistant", "status": status, "content": content});
        let part = |text: &str, annotations: &Value| json!({"type": "output_text", "text": text, "annotations": annotations, "logprobs": []});
        let whole = message(json!([part(&text, &annotations)]), "completed");
        self.item(message(json!([]), "in_progress"), whole, |response| {
            let at = |fields: Value| {
                let mut all = json!({"item_id": id, "content_index": 0});
                all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
                all
            };
            response.push("content_part.added", at(json!({"part": part("", &json!([]))})));
            for delta in deltas {
                response.push("output_text.delta", at(json!({"delta": delta, "logprobs": []})));
            }
            for (index, annotation) in annotations.as_array().unwrap().iter().enumerate() {
                let annotation = json!({"annotation_index": index, "annotation": annotation});
                response.push("output_text.annotation.added", at(annotation));
            }
            response.push("output_text.done", at(json!({"text": text, "logprobs": []})));
            response.push("content_part.done", at(json!({"part": part(&text, &annotations)})));
        });
        self
    }

    fn text(self, text: &str) -> Self {
        self.message(&text.split_inclusive(' ').collect::<Vec<_>>(), json!([]))
    }

    fn words(self, count: usize) -> Self {
        self.message(&vec!["word "; count], json!([]))
    }

    fn cited(self, text: &str, url: &str, title: &str) -> Self {
        let citation =
            json!({"type": "url_citation", "url": url, "title": title, "start_index": 0, "end_index": 3});
        self.message(&[text], json!([citation]))
    }

    fn reasoning(mut self, text: &str) -> Self {
        let reasoning = |summary: Value| json!({"type": "reasoning", "id": "rs_1", "summary": summary});
        let part = json!({"type": "summary_text", "text": text});
        self.item(reasoning(json!([])), reasoning(json!([part])), |response| {
            let at = json!({"item_id": "rs_1", "summary_index": 0});
            let with = |fields: Value| {
                let mut all = at.clone();
                all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
                all
            };
            let empty = json!({"type": "summary_text", "text": ""});
            response.push("reasoning_summary_part.added", with(json!({"part": empty})));
            response.push("reasoning_summary_text.delta", with(json!({"delta": text})));
            response.push("reasoning_summary_text.done", with(json!({"text": text})));
            response.push("reasoning_summary_part.done", with(json!({"part": part})));
        });
        self
    }

    fn function(mut self, call_id: &str, name: &str, arguments: &str) -> Self {
        let call = |arguments: &str, status: &str| {
            json!({"type": "function_call", "id": "fc_1", "call_id": call_id, "name": name, "arguments": arguments,
                   "status": status})
        };
        self.item(call("", "in_progress"), call(arguments, "completed"), |response| {
            response.push("function_call_arguments.delta", json!({"item_id": "fc_1", "delta": arguments}));
            let done = json!({"item_id": "fc_1", "arguments": arguments, "name": name});
            response.push("function_call_arguments.done", done);
        });
        self
    }

    fn completed(&self) -> Value {
        let usage = json!({"input_tokens": 9, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 12,
                           "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 21});
        let more = json!({"output": self.items, "usage": usage});
        Self::lifecycle("completed", self.events.len(), "completed", more)
    }

    fn events(self) -> impl Iterator<Item = String> + Send {
        let completed = self.completed();
        self.events.into_iter().chain([completed]).map(|event| event.to_string())
    }

    fn whole(&self) -> Value {
        self.completed()["response"].take()
    }
}
