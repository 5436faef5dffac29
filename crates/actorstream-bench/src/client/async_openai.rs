//! async-openai: socket → the loop over `create_stream`.

use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessage, CreateChatCompletionRequest, CreateChatCompletionRequestArgs,
};
use futures_util::StreamExt;

use super::delays::{Delayed, Delays, measure};
use super::{Count, Held, Seen, open_in_waves, runtime};
use crate::Error;

pub(super) fn run(base_url: &str, streams: usize) -> Result<Seen, Error> {
    runtime()?.block_on(async {
        let client = client(base_url);
        let request = request()?;
        let count = Count::default();
        let started: Vec<_> = (0..streams)
            .map(|_| tokio::spawn(stream(client.clone(), request.clone(), count.clone())))
            .collect();
        for stream in started {
            stream.await??;
        }
        Ok(count.seen())
    })
}

pub(super) fn hold(base_url: &str, streams: usize) -> Result<Held, Error> {
    runtime()?.block_on(async {
        let client = client(base_url);
        let request = request()?;
        let count = Count::default();
        open_in_waves(streams, &count, || {
            drop(tokio::spawn(stream(client.clone(), request.clone(), count.clone())));
        })
        .await
    })
}

pub(super) fn delays(base_url: &str, streams: usize, time: Duration) -> Result<Delays, Error> {
    runtime()?.block_on(async {
        let client = client(base_url);
        let request = request()?;
        let delayed = Delayed::default();
        measure(streams, time, &delayed, || {
            let (client, request, delayed) = (client.clone(), request.clone(), delayed.clone());
            tokio::spawn(async move {
                if let Err(error) = clock(client, request, delayed).await {
                    eprintln!("{error}");
                }
            });
        })
        .await
    })
}

async fn clock(
    client: Client<OpenAIConfig>,
    request: CreateChatCompletionRequest,
    delayed: Delayed,
) -> Result<(), Error> {
    let mut events = client.chat().create_stream(request).await?;
    while let Some(event) = events.next().await {
        let event = event?;
        delayed.arrived(|| event.choices.first()?.delta.content.as_deref());
    }
    Ok(())
}

async fn stream(
    client: Client<OpenAIConfig>,
    request: CreateChatCompletionRequest,
    count: Count,
) -> Result<(), Error> {
    let mut events = client.chat().create_stream(request).await?;
    while let Some(event) = events.next().await {
        let event = event?;
        let choice = event.choices.first();
        count.add(choice.and_then(|choice| choice.delta.content.as_ref()).map_or(0, String::len));
    }
    Ok(())
}

fn client(base_url: &str) -> Client<OpenAIConfig> {
    Client::with_config(OpenAIConfig::new().with_api_base(base_url).with_api_key("key"))
}

fn request() -> Result<CreateChatCompletionRequest, Error> {
    let message = ChatCompletionRequestUserMessage::from("Tell me about quantum computing");
    Ok(CreateChatCompletionRequestArgs::default()
        .model("gpt-4o-mini")
        .messages(vec![message.into()])
        .build()?)
}
