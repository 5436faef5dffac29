//! The viewers' protocols, tested with logs of recorded responses and scripted logs.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod cursors;
mod golden;
mod openai;
mod recorded;
mod scenes;
mod sent;
mod ui_message;

use actorstream_web::event::{Api, Logged};
use actorstream_web::protocol::Protocol;

const PROTOCOLS: [Protocol; 3] = [Protocol::UiMessage, Protocol::OpenAi, Protocol::Text];

/// Returns every log: its name, API and entries.
fn logs() -> Vec<(String, Api, Vec<Logged>)> {
    let scenes = scenes::all().into_iter().map(|scene| (scene.name.to_owned(), scene.api, scene.log));
    scenes.chain(recorded::all()).collect()
}
