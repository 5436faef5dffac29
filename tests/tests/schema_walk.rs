//! Walks the API's schemas: creates instances of everything that an event can contain, reads them as typed events,
//! and expects the same JSON back. Fields without a type are in the events' `extra`, and are counted.
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::PathBuf;

use actorstream::proto::api::audio::{
    DiarizedTranscription, SpeechStreamEvent, Transcription, TranscriptionStreamEvent, VerboseTranscription,
};
use actorstream::proto::api::images::{ImageEditStreamEvent, ImageGenStreamEvent, ImagesResponse};
use actorstream::proto::api::responses::{Response, ResponseStreamEvent};
use actorstream::{ChatCompletion, ChatCompletionChunk, Completion, CompletionChunk};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[path = "schema_walk/instances.rs"]
mod instances;

use instances::{MODES, Mode, Position, Walk};

/// The items that a walk from one root found.
#[derive(Default)]
struct Met {
    instances: usize,
    schemas: BTreeSet<String>,
    fields: BTreeSet<String>,
    raw: BTreeSet<String>,
}

impl Met {
    fn add(&mut self, other: Self) {
        self.instances += other.instances;
        self.schemas.extend(other.schemas);
        self.fields.extend(other.fields);
        self.raw.extend(other.raw);
    }
}

/// Returns the schemas from which the types are generated, with the API's deviations from them.
fn document() -> Value {
    let read = |name: &str| -> Value {
        let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/actorstream-xtask");
        serde_json::from_slice(&std::fs::read(xtask.join(name)).unwrap()).unwrap()
    };
    let (mut document, additions) = (read("schemas.json"), read("additions.json"));
    for (name, schema) in additions["schemas"].as_object().unwrap() {
        document["schemas"][name] = schema.clone();
    }
    for (name, more) in additions["alternatives"].as_object().unwrap() {
        let alternatives = document["schemas"][name]["anyOf"].as_array_mut().unwrap();
        alternatives.extend(more.as_array().unwrap().iter().cloned());
    }
    document
}

/// Walks everything reachable from a schema, with each variant of each union in turn. `read` reads an instance, and
/// returns it both as JSON and as the value read.
fn walk(schemas: &Value, root: &str, read: impl Fn(&Value) -> (Value, Box<dyn Debug>)) -> Met {
    walk_with(schemas, &[json!(1), json!(1.0), json!(0.5)], root, read)
}

fn walk_with(
    schemas: &Value,
    numbers: &[Value],
    root: &str,
    read: impl Fn(&Value) -> (Value, Box<dyn Debug>),
) -> Met {
    let mut all = Met::default();
    for mode in MODES {
        let mut turns = vec![BTreeMap::new()];
        let mut known: BTreeSet<String> = BTreeSet::new();
        while let Some(picks) = turns.pop() {
            let (unions, met, fields) = Default::default();
            let mut walk = Walk { schemas, mode, numbers, picks, unions, met, fields };
            let instance = walk.named(root, &Position::root(root));
            let (written, read) = read(&instance);
            assert_eq!(written, instance, "{root} {mode:?} {:?}\n{read:?}", walk.picks);
            if matches!(mode, Mode::All | Mode::Required | Mode::Nulls) {
                all.raw.extend(raw(&format!("{read:?}")).into_iter().map(|field| format!("{root}: {field}")));
            }
            all.instances += 1;
            all.schemas.append(&mut walk.met);
            all.fields.append(&mut walk.fields);
            for (union, variants) in walk.unions {
                if known.insert(union.clone()) {
                    turns.extend((1..variants).map(|variant| {
                        let mut picks = walk.picks.clone();
                        picks.insert(union.clone(), variant);
                        picks
                    }));
                }
            }
        }
    }
    all
}

/// Returns the names of the schemas that are reachable from one.
fn reachable(schemas: &Value, from: &Value) -> BTreeSet<String> {
    let (mut found, mut todo) = (BTreeSet::new(), vec![from]);
    while let Some(schema) = todo.pop() {
        match schema {
            Value::Object(object) => todo.extend(object.values()),
            Value::Array(list) => todo.extend(list),
            Value::String(path) => {
                if let Some(name) = path.strip_prefix("#/schemas/")
                    && found.insert(name.to_owned())
                {
                    todo.push(&schemas[name]);
                }
            }
            _ => {}
        }
    }
    found
}

/// Returns the untyped parts of an event, by its `Debug` output: fields in `extra`, values without a variant, and
/// JSON for which the schema is more specific.
fn raw(debug: &str) -> Vec<String> {
    let mut raw = Vec::new();
    for (sign, harmless) in [
        ("extra: {", "}"),
        ("Unknown(", "\u{0}"),
        (" Object {", "\"free\""),
        ("(Object {", "\"free\""),
        (" String(", "\"free\""),
        (" Array [", "Number(1)"),
    ] {
        for (at, _) in debug.match_indices(sign) {
            let rest = &debug[at + sign.len()..];
            if !rest.starts_with(harmless) {
                let until = rest.find([':', ',', '}', ')']).unwrap_or(rest.len());
                raw.push(format!("{sign}{}", &rest[..until]));
            }
        }
    }
    raw
}

/// Reads an instance through serde.
fn by_serde<T: DeserializeOwned + Serialize + Debug + 'static>(instance: &Value) -> (Value, Box<dyn Debug>) {
    let text = instance.to_string();
    let read: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (serde_json::to_value(&read).unwrap(), Box::new(read))
}

/// Returns the names and types of the events of a stream.
fn events(schemas: &Value, stream: &str) -> Vec<(String, String)> {
    let variants = schemas[stream]["anyOf"].as_array().unwrap();
    let names = variants.iter().map(|variant| variant["$ref"].as_str().unwrap().rsplit('/').next().unwrap());
    names
        .map(|name| {
            let tag = schemas[name]["properties"]["type"]["enum"][0].as_str().unwrap();
            (name.to_owned(), tag.to_owned())
        })
        .collect()
}

macro_rules! read_event {
    ($stream:ident, $tag:expr) => {
        |instance: &Value| {
            let event = $stream::decode(&instance.to_string().into()).unwrap();
            assert_eq!(event.r#type(), $tag);
            assert!(!matches!(event, $stream::Unknown(_)), "{}", $tag);
            assert_eq!($stream::from(instance.clone()), event);
            (serde_json::to_value(&event).unwrap(), Box::new(event))
        }
    };
}

#[track_caller]
fn report(what: &str, met: &Met) {
    println!(
        "{what}: {} instances, {} schemas, {} fields typed, {} reachable only as raw JSON",
        met.instances,
        met.schemas.len(),
        met.fields.len() - met.raw.len().min(met.fields.len()),
        met.raw.len()
    );
    assert_eq!(met.raw, BTreeSet::new(), "{what}");
}

#[test]
fn every_event_of_a_response_is_typed() {
    let document = document();
    let schemas = &document["schemas"];
    let events = events(schemas, "responses.response_stream_event:ResponseStreamEvent");
    let (mut all, mut typed) = (Met::default(), 0);
    for (name, tag) in &events {
        let met = walk(schemas, name, read_event!(ResponseStreamEvent, tag));
        typed += usize::from(met.raw.is_empty());
        all.add(met);
    }
    println!("{typed} of {} event types", events.len());
    report("Responses", &all);
    assert_eq!(
        all.schemas,
        reachable(schemas, &schemas["responses.response_stream_event:ResponseStreamEvent"])
    );
    assert_eq!((typed, events.len()), (60, 60));
    assert_eq!(ResponseStreamEvent::TYPES, events.iter().map(|(_, tag)| tag.as_str()).collect::<Vec<_>>());
    let met = walk(schemas, "responses.response:Response", by_serde::<Response>);
    report("responses.response:Response", &met);
}

#[test]
fn every_event_of_images_and_audio_is_typed() {
    let document = document();
    let schemas = &document["schemas"];
    let mut all = Met::default();
    let mut count = 0;
    macro_rules! stream {
        ($stream:ident, $name:literal) => {
            for (name, tag) in events(schemas, $name) {
                all.add(walk(schemas, &name, read_event!($stream, tag)));
                count += 1;
            }
        };
    }
    stream!(ImageGenStreamEvent, "image_gen_stream_event:ImageGenStreamEvent");
    stream!(ImageEditStreamEvent, "image_edit_stream_event:ImageEditStreamEvent");
    stream!(TranscriptionStreamEvent, "audio.transcription_stream_event:TranscriptionStreamEvent");
    stream!(SpeechStreamEvent, "audio.speech_stream_event:SpeechStreamEvent");
    all.add(walk(schemas, "images_response:ImagesResponse", by_serde::<ImagesResponse>));
    all.add(walk(schemas, "audio.transcription:Transcription", by_serde::<Transcription>));
    all.add(walk(
        schemas,
        "audio.transcription_verbose:TranscriptionVerbose",
        by_serde::<VerboseTranscription>,
    ));
    all.add(walk(
        schemas,
        "audio.transcription_diarized:TranscriptionDiarized",
        by_serde::<DiarizedTranscription>,
    ));
    println!("{count} of 9 event types");
    report("Images and audio", &all);
    assert_eq!(count, 9);
}

/// These types are written by hand. They keep unknown fields, which are listed here.
#[test]
fn chat_and_text_completions_lose_nothing() {
    let document = document();
    let schemas = &document["schemas"];
    macro_rules! completion {
        ($type:ident, $name:literal, $kept:expr) => {
            let kept = RefCell::new(BTreeSet::new());
            // As floats, because these types keep numbers that are not integers as floats.
            let mut met = walk_with(schemas, &[json!(1.0), json!(0.5)], $name, |instance| {
                let mut read: $type = serde_json::from_value(instance.clone()).unwrap();
                let written = serde_json::to_value(&read).unwrap();
                let names = read.extra.iter().map(|(name, _)| name.clone());
                kept.borrow_mut().extend(names.filter(|name| !name.starts_with("unknown_")));
                read.extra = Default::default();
                (written, Box::new(read))
            });
            let kept = kept.into_inner();
            // Fields below an untyped field are not typed either.
            let below: BTreeSet<String> = kept
                .iter()
                .flat_map(|name| reachable(schemas, &schemas[$name]["properties"][name]))
                .collect();
            met.fields.retain(|field| !below.contains(field.split(['.', '/']).next().unwrap()));
            met.fields.retain(|field| !kept.iter().any(|name| *field == format!("{}.{name}", $name)));
            report(stringify!($type), &met);
            println!("{}: kept as raw JSON: {kept:?}", stringify!($type));
            assert_eq!(kept.iter().map(String::as_str).collect::<Vec<_>>(), $kept, stringify!($type));
        };
    }
    completion!(ChatCompletionChunk, "chat.chat_completion_chunk:ChatCompletionChunk", [""; 0]);
    completion!(ChatCompletion, "chat.chat_completion:ChatCompletion", [""; 0]);
    completion!(Completion, "completion:Completion", [""; 0]);
    completion!(CompletionChunk, "completion:Completion", [""; 0]);
}

#[test]
fn servers_that_differ_are_understood() {
    let read = |json: Value| ResponseStreamEvent::decode(&json.to_string().into()).unwrap();
    // Without a sequence number.
    let json = json!({
        "type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 1, "delta": "x",
        "logprobs": []
    });
    let event = read(json.clone());
    assert_eq!((event.sequence_number(), event.item_id()), (None, Some("m")));
    assert_eq!((event.output_index(), event.content_index()), (Some(0), Some(1)));
    assert_eq!(serde_json::to_value(&event).unwrap(), json);
    // With the random text that the schemas declare only for some events.
    let event =
        read(json!({"type": "response.function_call_arguments.delta", "delta": "{", "obfuscation": "x"}));
    assert!(
        matches!(event, ResponseStreamEvent::FunctionCallArgumentsDelta(event) if event.extra.is_empty())
    );
    // With a time that is not an integer.
    for created_at in [json!(1_795_344_041.667_965_2), json!(1_795_344_041), json!(1_795_344_041.0)] {
        let response = json!({"id": "r", "created_at": created_at, "output": []});
        let event = read(json!({"type": "response.created", "response": response}));
        let ResponseStreamEvent::Created(created) = &event else { panic!("{event:?}") };
        assert_eq!(json!(created.response.created_at), created_at);
    }
    let picture =
        json!({"type": "image_generation.completed", "b64_json": "", "created_at": 1_795_344_041.5});
    let event = ImageGenStreamEvent::decode(&picture.to_string().into()).unwrap();
    assert!(matches!(event, ImageGenStreamEvent::Completed(event) if event.created_at == 1_795_344_041));
    // The undocumented event.
    let json = json!({"type": "keepalive", "sequence_number": 7});
    let event = read(json.clone());
    assert!(matches!(event, ResponseStreamEvent::KeepAlive(_)));
    assert_eq!(event.sequence_number(), Some(7));
    assert_eq!(serde_json::to_value(&event).unwrap(), json);
    // A field of a wrong type does not affect the others.
    let event = read(json!({
        "type": "response.output_item.done", "output_index": "2",
        "item": {"type": "message", "id": 7, "role": "assistant", "content": [{"type": "output_text", "text": "x"}]}
    }));
    let ResponseStreamEvent::OutputItemDone(done) = &event else { panic!("{event:?}") };
    assert_eq!((event.output_index(), done.item.id()), (Some(2), Some("7")));
}

#[test]
fn the_captures_are_typed() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let (mut files, mut events) = (0, 0);
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().contains("responses") || path.extension().is_none_or(|end| end != "http") {
            continue;
        }
        files += 1;
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        for data in text.lines().filter_map(|line| line.strip_prefix("data: ")) {
            let Ok(json) = serde_json::from_str::<Value>(data) else { continue };
            let Some(tag) = json["type"].as_str() else { continue };
            let event = ResponseStreamEvent::decode(&data.trim().to_owned().into()).unwrap();
            assert_eq!(event.r#type(), tag, "{}", path.display());
            assert!(!format!("{event:?}").contains("Unknown("), "{}: {event:?}", path.display());
            // The output contains the input, plus the defaults of missing fields.
            let written = serde_json::to_value(&event).unwrap();
            assert!(contains(&written, &json), "{}: {json} {written}", path.display());
            events += 1;
        }
    }
    println!("{events} events of {files} captures");
    assert!(events > 100, "{events}");
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| contains(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        (whole, part) => whole == part,
    }
}
