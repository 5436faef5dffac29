//! What one writes by hand: reqwest, eventsource-stream, `serde_json::Value`.

use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use reqwest::Client;
use serde_json::{Value, json};

use super::{Count, Held, Seen, open_in_waves, runtime};
use crate::Error;

pub(super) fn run(base_url: &str, streams: usize) -> Result<Seen, Error> {
    runtime()?.block_on(async {
        let client = Client::new();
        let count = Count::default();
        let started: Vec<_> = (0..streams)
            .map(|_| tokio::spawn(stream(client.clone(), base_url.to_owned(), count.clone())))
            .collect();
        for stream in started {
            stream.await??;
        }
        Ok(count.seen())
    })
}

pub(super) fn hold(base_url: &str, streams: usize) -> Result<Held, Error> {
    runtime()?.block_on(async {
        let client = Client::new();
        let count = Count::default();
        open_in_waves(streams, &count, || {
            drop(tokio::spawn(stream(client.clone(), base_url.to_owned(), count.clone())));
        })
        .await
    })
}

async fn stream(client: Client, base_url: String, count: Count) -> Result<(), Error> {
    let message = json!({"role": "user", "content": "Tell me about quantum computing"});
    let request = json!({"model": "gpt-4o-mini", "stream": true, "messages": [message]});
    let response = client.post(format!("{base_url}/chat/completions")).json(&request).send().await?;
    let mut events = response.error_for_status()?.bytes_stream().eventsource();
    while let Some(event) = events.next().await {
        let event = event?;
        if event.data == "[DONE]" {
            break;
        }
        let event: Value = serde_json::from_str(&event.data)?;
        count.add(event["choices"][0]["delta"]["content"].as_str().map_or(0, str::len));
    }
    Ok(())
}
