//! The protocols in which viewers read a log, over logs of recorded answers and over scripted ones.
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

/// Every log there is: its name, API and entries.
fn logs() -> Vec<(String, Api, Vec<Logged>)> {
    let scenes = scenes::all().into_iter().map(|scene| (scene.name.to_owned(), scene.api, scene.log));
    scenes.chain(recorded::all()).collect()
}
