//! `Stream`: an answer as the events that a server writes, which accents change.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::json::Style;
use super::meaning::Meaning;
use super::plain::{Answer, Close, Endpoint};
use super::{chat, completions, responses};

/// What an event is for its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Part of the answer.
    Data,
    /// The error that ends the stream.
    Error,
    /// What says that the answer is complete.
    Last,
    /// Nothing.
    Filler,
}

/// One event, or what stands between two.
#[derive(Debug, Clone)]
pub struct Event {
    /// What is said.
    pub json: Value,
    /// The value of the `event:` line.
    pub name: Option<String>,
    /// Lines that are written instead of all that, blank lines included.
    pub lines: Option<String>,
    /// What it is for its stream.
    pub kind: Kind,
}

impl Event {
    /// Part of the answer.
    pub fn data(json: Value) -> Self {
        Self { json, name: None, lines: None, kind: Kind::Data }
    }

    /// These lines.
    pub fn lines(lines: impl Into<String>) -> Self {
        Self { lines: Some(lines.into()), kind: Kind::Filler, ..Self::data(Value::Null) }
    }

    /// Whether it has JSON that is part of the answer.
    pub fn is_data(&self) -> bool {
        self.lines.is_none() && matches!(self.kind, Kind::Data | Kind::Last)
    }

    /// The type of an event of a response.
    pub fn r#type(&self) -> &str {
        self.json["type"].as_str().unwrap_or_default()
    }

    /// The choices of a chunk.
    pub fn choices(&mut self) -> &mut [Value] {
        match self.json.get_mut("choices") {
            Some(Value::Array(choices)) if self.lines.is_none() => choices,
            _ => &mut [],
        }
    }

    /// The only choice of a chunk that has one.
    pub fn choice(&mut self) -> Option<&mut Map<String, Value>> {
        match self.choices() {
            [Value::Object(choice)] => Some(choice),
            _ => None,
        }
    }

    /// The number of that choice.
    pub fn index(&mut self) -> Option<u64> {
        self.choice()?.get("index")?.as_u64()
    }

    /// Why that choice ends, if the chunk says so.
    pub fn reason(&mut self) -> Option<Value> {
        self.choice()?.get("finish_reason").filter(|reason| !reason.is_null()).cloned()
    }

    /// What is new in the message of that choice.
    pub fn delta(&mut self) -> Option<&mut Map<String, Value>> {
        self.choice()?.get_mut("delta")?.as_object_mut()
    }
}

/// How events are put into bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wire {
    /// How lines end: 0 LF, 1 CR, 2 CRLF, 3 any of them, the same within an event.
    pub newline: u8,
    /// What stands behind a colon: 0 a space, 1 nothing, 2 either.
    pub space: u8,
    /// Whether a byte order mark stands first.
    pub bom: bool,
    /// Whether the last blank line is missing.
    pub open_end: bool,
    /// How JSON is written.
    pub json: Style,
}

/// A stream.
#[derive(Debug, Clone)]
pub struct Stream {
    /// What is answered.
    pub answer: Answer,
    /// What it means. Some accents take from it what they leave out.
    pub meaning: Meaning,
    /// What is written.
    pub events: Vec<Event>,
    /// How it is written.
    pub wire: Wire,
    /// The content type, and whether the body is an event stream.
    pub content_type: &'static str,
    /// The body, where that is no event stream.
    pub body: Option<String>,
    claims: BTreeSet<&'static str>,
}

impl Stream {
    /// The plain stream of an answer.
    pub fn plain(answer: Answer) -> Self {
        let mut events = match answer.endpoint {
            Endpoint::Chat => chat::events(&answer),
            Endpoint::Completions => completions::events(&answer),
            Endpoint::Responses => responses::events(&answer),
        };
        match answer.close {
            Close::Error => {
                let json = json!({"error": {"message": "boom", "type": "server_error", "param": null, "code": "502"}});
                events.push(Event { kind: Kind::Error, ..Event::data(json) });
            }
            Close::Complete if answer.endpoint != Endpoint::Responses => {
                events.push(Event { kind: Kind::Last, ..Event::lines("data: [DONE]\n\n") });
            }
            Close::Cut if events.is_empty() => {
                // A body without any event is no stream.
                let nothing = json!({"id": "c-1", "choices": []});
                events.push(Event { kind: Kind::Filler, ..Event::data(nothing) });
            }
            Close::Complete | Close::Cut => {}
        }
        Self {
            meaning: Meaning::of(&answer),
            answer,
            events,
            wire: Wire::default(),
            content_type: "text/event-stream",
            body: None,
            claims: BTreeSet::new(),
        }
    }

    /// Whether the stream is a complete answer.
    pub fn is_complete(&self) -> bool {
        self.answer.close == Close::Complete
    }

    /// Claims something that only one accent may change; `false` if another one has.
    pub fn claim(&mut self, what: &'static str) -> bool {
        self.claims.insert(what)
    }

    /// Whether it has been claimed.
    pub fn is_claimed(&self, what: &str) -> bool {
        self.claims.contains(what)
    }

    /// The number of a place between two events, before the one that ends the stream with an error.
    pub fn place(&self, random: &mut Rng) -> usize {
        let end = self.events.iter().position(|event| {
            event.kind == Kind::Error || event.lines.as_deref().is_some_and(|lines| lines.contains("[DONE]"))
        });
        random.usize(..=end.unwrap_or(self.events.len()))
    }

    /// The events with JSON that is part of the answer.
    pub fn data(&mut self) -> impl Iterator<Item = &mut Event> {
        self.events.iter_mut().filter(|event| event.is_data())
    }

    /// The bytes, as the stream's seed writes them.
    pub fn bytes(&self, random: &mut Rng) -> String {
        if let Some(body) = &self.body {
            return body.clone();
        }
        let mut text = String::new();
        if self.wire.bom {
            text.push('\u{feff}');
        }
        for event in &self.events {
            let lines = event.lines.clone().unwrap_or_else(|| self.lines(event, random));
            // Within an event they are the same: LF behind CR would end no other line.
            let newline = match self.wire.newline {
                0 => "\n",
                1 => "\r",
                2 => "\r\n",
                _ => ["\n", "\r", "\r\n"][random.usize(..3)],
            };
            text.push_str(&lines.replace('\n', newline));
        }
        if self.wire.open_end {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        text
    }

    /// The lines of an event: its name, its data, a blank line.
    fn lines(&self, event: &Event, random: &mut Rng) -> String {
        let mut space = || match self.wire.space {
            0 => " ",
            1 => "",
            _ => ["", " "][random.usize(..2)],
        };
        let (first, second) = (space(), space());
        let mut text = event.name.iter().map(|name| format!("event:{first}{name}\n")).collect::<String>();
        for line in self.wire.json.write(&event.json, random).lines() {
            text.push_str("data:");
            text.push_str(second);
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
        text
    }
}
