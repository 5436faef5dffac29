//! Takeovers after an instance is killed, paused or shut down.

use std::time::{Duration, Instant};

use actorstream_test::{ChatStream, Gate, Reply, Request, Script, Upstream};
use awc::Client;
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::instance::Instance;
use crate::server::Server;
use crate::work::{eventually, within};

/// The tolerated delay on a busy machine.
const BUSY: Duration = Duration::from_secs(4);
const LEASE: Duration = Duration::from_secs(2);
const WORDS: usize = 12;

/// A response that is read piece by piece.
struct Answer {
    generation: String,
    body: std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Bytes, awc::error::PayloadError>>>>,
    text: String,
}

impl Answer {
    async fn of(request: awc::SendClientRequest) -> Self {
        let response = within(request).await.unwrap();
        assert!(response.status().is_success(), "{}", response.status());
        let generation = response.headers().get("x-generation-id").unwrap().to_str().unwrap().to_owned();
        Self { generation, body: Box::pin(response), text: String::new() }
    }

    /// Reads until the text contains `what`.
    async fn until(&mut self, what: &str) {
        while !self.text.contains(what) {
            let bytes = within(self.body.next()).await;
            let Some(Ok(bytes)) = bytes else { panic!("{what:?} is not in {:?}: {bytes:?}", self.text) };
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// Reads to the end.
    async fn rest(mut self) -> String {
        while let Some(bytes) = within(self.body.next()).await {
            self.text.push_str(std::str::from_utf8(&bytes.unwrap()).unwrap());
        }
        self.text
    }
}

fn client() -> Client {
    Client::builder().timeout(Duration::from_secs(60)).disable_redirects().finish()
}

async fn post(instance: &Instance, path: &str, body: &Value) -> Answer {
    let request = client().post(format!("{}{path}", instance.url)).insert_header(("x-user", "alice"));
    Answer::of(request.send_json(body)).await
}

/// Watches a generation, in the API's own protocol.
async fn watch(instance: &Instance, generation: &str) -> Answer {
    let url = format!("{}/v1/generations/{generation}/stream?protocol=openai", instance.url);
    Answer::of(client().get(url).insert_header(("x-user", "alice")).send()).await
}

/// Returns the events that a viewer has received.
fn events(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

/// Returns the numbers of the log's entries that a viewer has received completely.
fn ids(text: &str) -> Vec<u64> {
    let ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
    ids.filter_map(|id| match id.split('.').collect::<Vec<_>>()[..] {
        [_, seq] => seq.parse().ok(),
        _ => None,
    })
    .collect()
}

/// Returns the numbered events of a response in background mode.
fn response_events() -> Vec<Value> {
    let response = |status: &str| {
        json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "m",
        "background": true, "status": status, "output": []})
    };
    let mut events = vec![json!({"type": "response.created", "response": response("queued")})];
    for word in 0..WORDS {
        events.push(json!({"type": "response.output_text.delta", "item_id": "m", "output_index": 0,
            "content_index": 0, "delta": format!("word{word} ")}));
    }
    events.push(json!({"type": "response.completed", "response": response("completed")}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    events
}

/// An upstream that sends five events of a response and is then silent. A request for the rest receives a first part
/// of it, and the remainder once the gate opens.
fn background(gate: &Gate) -> Upstream {
    let gate = gate.clone();
    Upstream::start(Script::with(move |request: &Request| {
        if request.method == "POST" {
            return Reply::sse().events(response_events().into_iter().take(5)).hold();
        }
        let query = request.query.clone().unwrap_or_default();
        let after = query.split('&').find_map(|pair| pair.strip_prefix("starting_after=")).unwrap();
        let mut rest = response_events().split_off(after.parse::<usize>().unwrap() + 1);
        let last = rest.split_off(rest.len() - 4);
        Reply::sse().events(rest).gate(&gate).events(last).end()
    }))
}

fn ask() -> Value {
    json!({"model": "m", "input": "Hi", "background": true, "stream": true})
}

/// Two instances with a producer on the first, and viewers on both that have received everything so far.
struct Stage {
    _redis: Server,
    a: Instance,
    b: Instance,
    at_a: Answer,
    at_b: Answer,
}

impl Stage {
    async fn set(
        upstream: &Upstream,
        lease: Duration,
        takeover: &str,
        path: &str,
        body: &Value,
        seen: &str,
    ) -> Self {
        let redis = Server::start();
        let url = redis.url();
        let [a, b] = [(); 2].map(|()| Instance::start(&url, &upstream.base_url(), lease, takeover));
        let mut at_a = post(&a, path, body).await;
        at_a.until(seen).await;
        let mut at_b = watch(&b, &at_a.generation).await;
        at_b.until(seen).await;
        Self { _redis: redis, a, b, at_a, at_b }
    }

    async fn in_background(upstream: &Upstream, lease: Duration) -> Self {
        Self::set(upstream, lease, "resume", "/v1/responses", &ask(), "word3").await
    }
}

#[actix_rt::test]
async fn a_producer_that_is_killed_is_gone_on_with_exactly() {
    let gate = Gate::new();
    let upstream = background(&gate);
    let mut stage = Stage::in_background(&upstream, LEASE).await;
    stage.a.signal("-KILL");
    let killed = Instant::now();
    stage.at_b.until("word4").await;
    let time = killed.elapsed();
    println!("from the kill to the first new event: {time:?}");
    assert!(time <= LEASE + Duration::from_secs(1) + BUSY, "{time:?}");
    gate.open();
    let seen = stage.at_b.rest().await;
    assert_eq!(events(&seen), response_events());
    // The last event has the id of the log's end, which is the entry after it.
    let last = response_events().len() as u64;
    assert_eq!(ids(&seen), (1..last).chain([last + 1]).collect::<Vec<_>>());
}

#[actix_rt::test]
async fn a_producer_that_sleeps_and_wakes_writes_nothing_more() {
    let gate = Gate::new();
    let upstream = background(&gate);
    let mut stage = Stage::in_background(&upstream, LEASE).await;
    stage.a.signal("-STOP");
    stage.at_b.until("word4").await;
    let open = upstream.open();
    stage.a.signal("-CONT");
    // The old producer detects the takeover and drops its upstream connection.
    eventually(async || (upstream.open() < open).then_some(())).await;
    gate.open();
    let seen = stage.at_b.rest().await;
    assert_eq!(events(&seen), response_events());
    // Its own viewer continues with the entries of the new producer.
    assert_eq!(events(&stage.at_a.rest().await), response_events());
}

#[actix_rt::test]
async fn a_producer_that_is_sent_away_hands_over_at_once() {
    let gate = Gate::new();
    let upstream = background(&gate);
    let mut stage = Stage::in_background(&upstream, Duration::from_secs(60)).await;
    stage.a.signal("-TERM");
    let sent = Instant::now();
    stage.at_b.until("word4").await;
    let time = sent.elapsed();
    println!("from the signal to the first new event: {time:?}");
    assert!(time <= Duration::from_secs(1) + BUSY, "{time:?}");
    stage.a.ended().await;
    gate.open();
    assert_eq!(events(&stage.at_b.rest().await), response_events());
}

/// Kills the first of two instances during a chat completion. Returns what a viewer on the second one received, and
/// the number of upstream requests.
async fn killed_in_a_chat(takeover: &str) -> (String, usize) {
    let chat = ChatStream::new().content("Hello, world").delta_words();
    let first: Vec<String> = chat.events().take(2).collect();
    let upstream = Upstream::start(Script::sequence([Reply::sse().events(first).hold(), chat.reply()]));
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": true});
    let stage = Stage::set(&upstream, LEASE, takeover, "/v1/chat/completions", &body, "Hello").await;
    let url = format!("{}/v1/generations/{}/stream?protocol=ui", stage.b.url, stage.at_b.generation);
    let at_b = Answer::of(client().get(url).insert_header(("x-user", "alice")).send()).await;
    stage.a.signal("-KILL");
    (at_b.rest().await, upstream.request_count())
}

#[actix_rt::test]
async fn an_orphan_restarts_where_the_policy_says_so() {
    let (seen, asked) = killed_in_a_chat("restart").await;
    let (void, again) = seen.split_once(r#""type":"reset-step""#).expect("what was shown is void");
    assert!(void.contains("Hello"), "{void}");
    let text: String = events(&again[again.find('\n').unwrap()..])
        .iter()
        .filter(|chunk| chunk["type"] == "text-delta")
        .map(|chunk| chunk["delta"].as_str().unwrap())
        .collect();
    assert_eq!((text.as_str(), asked), ("Hello, world", 2), "{seen}");
}

#[actix_rt::test]
async fn an_orphan_fails_where_the_policy_says_so() {
    let (seen, asked) = killed_in_a_chat("fail").await;
    assert!(seen.contains(r#""type":"error""#), "{seen}");
    assert_eq!(asked, 1);
}

#[actix_rt::test]
async fn stop_pressed_on_one_instance_closes_the_upstream_of_another() {
    let upstream = background(&Gate::new());
    let stage = Stage::in_background(&upstream, Duration::from_secs(60)).await;
    let url = format!("{}/v1/generations/{}/stop", stage.b.url, stage.at_b.generation);
    let request = client().post(url).insert_header(("x-user", "alice")).send();
    assert_eq!(within(request).await.unwrap().status(), 202);
    within(upstream.peer_closed(0)).await;
    for answer in [stage.at_a, stage.at_b] {
        assert!(answer.rest().await.contains("word3"));
    }
}

/// Reads some bytes of a response, and disconnects.
async fn read_some(instance: &Instance, generation: &str, last: &str, most: usize) -> (String, bool) {
    let url = format!("{}/v1/generations/{generation}/stream?protocol=openai", instance.url);
    let mut request = client().get(url).insert_header(("x-user", "alice"));
    if !last.is_empty() {
        request = request.insert_header(("last-event-id", last));
    }
    let mut answer = Answer::of(request.send()).await;
    let mut bytes = Vec::new();
    while bytes.len() < most {
        let Some(more) = within(answer.body.next()).await else { break };
        bytes.extend(more.unwrap());
    }
    let ended = bytes.len() < most;
    bytes.truncate(most);
    // An EventSource discards an incomplete event.
    let whole = bytes.windows(2).rposition(|pair| pair == b"\n\n").map_or(0, |at| at + 2);
    bytes.truncate(whole);
    (String::from_utf8(bytes).unwrap(), ended)
}

#[actix_rt::test]
async fn a_viewer_alternates_between_instances_through_a_thousand_drops() {
    const DROPS: usize = 1000;
    let seed = fastrand::u64(..);
    println!("the seed is {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let chat = ChatStream::new().deltas(4 * DROPS, "word ");
    let expected: Vec<Value> = chat.events().filter_map(|event| serde_json::from_str(&event).ok()).collect();
    let upstream = Upstream::start(chat.reply().split_every(4096).pace(Duration::from_millis(5)));
    let redis = Server::start();
    let url = redis.url();
    let instances = [(); 2].map(|()| Instance::start(&url, &upstream.base_url(), LEASE, "fail"));
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": true});
    let generation = post(&instances[0], "/v1/chat/completions", &body).await.generation;
    let (mut seen, mut last, mut drops) = (String::new(), String::new(), 0);
    loop {
        let most = if drops < DROPS { random.usize(1..1200) } else { usize::MAX };
        let (text, ended) = read_some(&instances[random.usize(..2)], &generation, &last, most).await;
        if let Some(id) = text.lines().filter_map(|line| line.strip_prefix("id: ")).next_back() {
            last = id.to_owned();
        }
        seen.push_str(&text);
        if ended {
            break;
        }
        drops += 1;
    }
    assert_eq!(drops, DROPS, "the answer is long enough");
    assert_eq!(events(&seen), expected);
    let ids = ids(&seen);
    assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1), "the numbers are dense: {ids:?}");
}
