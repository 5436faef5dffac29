//! Measures `RedisStore`.
//!
//! `cargo run --release -p actorstream-web --features redis --example redis_bench -- URL WHAT`, where WHAT is
//! `appends STREAMS BATCH`, `delay STREAMS`, `tokens STREAMS PER_SECOND` or `memory TOKENS`. It runs for 5 s and
//! leaves nothing behind in Redis.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actorstream_web::event::{Api, End, Event};
use actorstream_web::id::GenerationId;
use actorstream_web::store::{Append, NewGeneration, RedisStore, Store};
use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::value::RawValue;

const TIME: Duration = Duration::from_secs(5);
const LEASE: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().expect("a number");
    match arguments[..] {
        [url, "appends", streams, batch] => appends(url, number(streams), number(batch)).await,
        [url, "delay", streams] => delay(url, number(streams)).await,
        [url, "tokens", streams, rate] => tokens(url, number(streams), number(rate)).await,
        [url, "memory", tokens] => memory(url, number(tokens)).await,
        _ => eprintln!(
            "redis_bench URL appends STREAMS BATCH | delay STREAMS | tokens STREAMS PER_SECOND | memory TOKENS"
        ),
    }
}

/// Returns a chat completion event with one token, as servers send it.
fn token(number: u64) -> Event {
    let json = format!(
        r#"{{"id":"chatcmpl-9aB3xYz0123456789abcdefghijk","object":"chat.completion.chunk","created":1760000000,"model":"gpt-4o-mini-2024-07-18","system_fingerprint":"fp_0123456789","choices":[{{"index":0,"delta":{{"content":" token{number}"}},"logprobs":null,"finish_reason":null}}]}}"#
    );
    Event::Upstream(RawValue::from_string(json).unwrap().into())
}

async fn created(store: &RedisStore) -> GenerationId {
    let id = GenerationId::random();
    let new = NewGeneration {
        id: id.clone(),
        owner: "bench".into(),
        api: Api::Chat,
        request: Bytes::from_static(b"{}"),
        lease: LEASE,
        attended: Duration::ZERO,
    };
    store.create(&new).await.unwrap();
    id
}

fn append(first: u64, events: Vec<Event>) -> Append {
    Append { epoch: 1, first, events, upstream: None, lease: LEASE }
}

async fn remove(store: &RedisStore, ids: &[GenerationId]) {
    join_all(ids.iter().map(|id| store.remove(id))).await.into_iter().for_each(|removed| removed.unwrap());
}

/// Prints percentiles of times.
fn print_times(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!("{what}: p50 {:?}, p99 {:?}, max {:?} ({} times)", at(0.5), at(0.99), at(1.0), times.len());
}

/// As many appends as possible, one at a time for each stream.
async fn appends(url: &str, streams: u64, batch: u64) {
    let store = RedisStore::connect(url).await.unwrap();
    let ids = join_all((0..streams).map(|_| created(&store))).await;
    let begin = Instant::now();
    let times = join_all(ids.iter().map(|id| async {
        let (mut next, mut times) = (1, Vec::new());
        while begin.elapsed() < TIME {
            let events = (next..next + batch).map(token).collect();
            let start = Instant::now();
            store.append(id, &append(next, events)).await.unwrap();
            times.push(start.elapsed());
            next += batch;
        }
        times
    }))
    .await
    .concat();
    let rate = times.len() as f64 / begin.elapsed().as_secs_f64();
    println!("{rate:.0} appends/s, {:.0} tokens/s", rate * batch as f64);
    print_times("an append", times);
    remove(&store, &ids).await;
}

/// The time from the call of an append to the arrival of the entry at a viewer on another instance, at 20 tokens/s
/// per stream.
async fn delay(url: &str, streams: u64) {
    let (producer, viewer) =
        (RedisStore::connect(url).await.unwrap(), RedisStore::connect(url).await.unwrap());
    let ids = join_all((0..streams).map(|_| created(&producer))).await;
    let begin = Instant::now();
    let sent: HashMap<&GenerationId, std::sync::Mutex<Vec<Instant>>> =
        ids.iter().map(|id| (id, std::sync::Mutex::default())).collect();
    let writing = join_all(ids.iter().enumerate().map(|(stream, id)| {
        let (sent, producer) = (&sent, &producer);
        async move {
            tokio::time::sleep(Duration::from_micros(50_000 * stream as u64 / streams)).await;
            let mut tick = tokio::time::interval(Duration::from_millis(50));
            let mut next = 1;
            while begin.elapsed() < TIME {
                tick.tick().await;
                sent[id].lock().unwrap().push(Instant::now());
                producer.append(id, &append(next, vec![token(next)])).await.unwrap();
                next += 1;
            }
            let end = Event::End(End::Finish { reason: None });
            producer.append(id, &append(next, vec![end])).await.unwrap();
        }
    }));
    let viewing = join_all(ids.iter().map(|id| {
        let (sent, viewer) = (&sent, &viewer);
        async move {
            let (mut after, mut times, mut watch) = (0, Vec::new(), viewer.watch(id));
            loop {
                let progress = *watch.borrow_and_update();
                if progress.tail > after || after == 0 {
                    let page = viewer.read(id, after, 64 << 10).await.unwrap();
                    let now = Instant::now();
                    for entry in page.entries {
                        let sent = sent[id].lock().unwrap().get(entry.seq as usize - 1).copied();
                        times.extend(sent.map(|sent| now - sent));
                        after = entry.seq;
                    }
                    if page.ended && after == page.tail {
                        return times;
                    }
                }
                watch.changed().await.unwrap();
            }
        }
    }));
    let (_, times) = futures_util::future::join(writing, viewing).await;
    // The first second, in which all subscriptions are made, does not count.
    let times: Vec<Duration> = times.into_iter().flat_map(|times| times.into_iter().skip(20)).collect();
    print_times("from append to viewer", times);
    remove(&producer, &ids).await;
}

/// Checks whether this many tokens per second, spread over the streams, are written in time. Each stream has a
/// viewer on another instance.
async fn tokens(url: &str, streams: u64, rate: u64) {
    let (producer, viewer) =
        (RedisStore::connect(url).await.unwrap(), RedisStore::connect(url).await.unwrap());
    let ids = join_all((0..streams).map(|_| created(&producer))).await;
    let (written, seen) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let begin = Instant::now();
    let due = |begin: Instant| begin.elapsed().as_micros() as u64 * rate / streams / 1_000_000;
    let writing = join_all(ids.iter().map(|id| async {
        let mut next = 1;
        while begin.elapsed() < TIME {
            let last = due(begin);
            if last >= next {
                // The tokens since the last append are the next batch.
                producer.append(id, &append(next, (next..=last).map(token).collect())).await.unwrap();
                written.fetch_add(last + 1 - next, Ordering::Relaxed);
                next = last + 1;
            } else {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        producer.append(id, &append(next, vec![Event::End(End::Finish { reason: None })])).await.unwrap();
    }));
    let viewing = join_all(ids.iter().map(|id| async {
        let (mut after, mut watch) = (0, viewer.watch(id));
        loop {
            watch.borrow_and_update();
            let page = viewer.read(id, after, 64 << 10).await.unwrap();
            seen.fetch_add(page.entries.len() as u64, Ordering::Relaxed);
            after += page.entries.len() as u64;
            match (page.ended, after == page.tail) {
                (true, true) => return,
                (_, false) => {}
                (false, true) => watch.changed().await.unwrap(),
            }
        }
    }));
    futures_util::future::join(writing, viewing).await;
    let (written, seen) = (written.load(Ordering::Relaxed), seen.load(Ordering::Relaxed) - streams);
    println!(
        "{:.0} tokens/s written, {seen} of {written} seen by viewers on another instance, in {:?}",
        written as f64 / TIME.as_secs_f64(),
        begin.elapsed()
    );
    println!("CPU time of this process, all instances: {}", cpu());
    remove(&producer, &ids).await;
}

/// Returns the user and system time so far.
fn cpu() -> String {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or_default();
    format!("{:.1} s user, {:.1} s system", ticks(13) / 100.0, ticks(14) / 100.0)
}

/// The memory of a log in Redis with this many tokens, appended one by one.
async fn memory(url: &str, tokens: u64) {
    let store = RedisStore::connect(url).await.unwrap();
    let client = redis::Client::open(url.split('?').next().unwrap()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut used = async || {
        let info: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await.unwrap();
        let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim().to_owned();
        used.parse::<i64>().unwrap()
    };
    const LOGS: i64 = 20;
    let before = used().await;
    let ids = join_all((0..LOGS).map(|_| created(&store))).await;
    let empty = (used().await - before) / LOGS;
    for next in 1..=tokens {
        join_all(
            ids.iter().map(async |id| store.append(id, &append(next, vec![token(next)])).await.unwrap()),
        )
        .await;
    }
    let full = (used().await - before) / LOGS;
    let json = serde_json::to_vec(&token(1)).unwrap().len();
    println!(
        "a log of {tokens} tokens: {full} bytes; an empty one: {empty} bytes; a token as JSON: {json} bytes"
    );
    remove(&store, &ids).await;
}
