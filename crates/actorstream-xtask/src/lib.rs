//! Writes the types of the API's stream events into actorstream-proto, from the API's schemas.
//!
//! `cargo run -p actorstream-xtask -- generate` writes them; with `--check` it only says whether the files are as it
//! would write them, and so does [`check`]. The way from schemas to source: [`schema`] flattens what a schema allows,
//! [`lower`] makes Rust types of it, [`merge`] makes one of those that are the same, [`write`](mod@write) writes them into
//! [`files`]. What is called what stands in [`names`], and what the documentation says in [`docs`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

mod accessors;
pub mod docs;
pub mod files;
pub mod json;
pub mod lower;
pub mod merge;
pub mod model;
pub mod names;
pub mod schema;
mod size;
pub mod write;

use json::Json;
use schema::Schemas;

/// The types that everything else is reached from.
const ROOTS: &[&str] = &[
    "ResponseStreamEvent",
    "Response",
    "ImageGenStreamEvent",
    "ImageEditStreamEvent",
    "ImagesResponse",
    "CreateTranscriptionResponseStreamEvent",
    "CreateSpeechResponseStreamEvent",
    "CreateTranscriptionResponseJson",
    "CreateTranscriptionResponseVerboseJson",
];

/// An event that the API sends and does not document.
const KEEP_ALIVE: &str = r##"{
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": ["keepalive"]},
        "sequence_number": {"type": "integer"}
    },
    "required": ["type", "sequence_number"]
}"##;

/// The source files by their paths below `src` of actorstream-proto, made of the text of
/// `stream-event-schemas.json`.
///
/// # Errors
/// When that is no JSON.
pub fn generate(schemas: &str) -> serde_json::Result<BTreeMap<String, String>> {
    let document: Json = serde_json::from_str(schemas)?;
    let mut schemas = document.get("schemas").cloned().unwrap_or(Json::Other);
    add_keep_alive(&mut schemas, serde_json::from_str(KEEP_ALIVE)?);
    let schemas = Schemas::new(schemas);
    let mut lowerer = lower::Lowerer::new(&schemas);
    let roots: Vec<usize> = ROOTS.iter().map(|root| lowerer.root(root)).collect();
    let (defs, roots) = merge::merge(lowerer.defs, &roots);
    Ok(write::write(&defs, &roots))
}

fn add_keep_alive(schemas: &mut Json, keep_alive: Json) {
    let Json::Object(schemas) = schemas else { return };
    let name = "ResponseKeepAliveEvent";
    for (_, events) in schemas.iter_mut().filter(|(schema, _)| schema == "ResponseStreamEvent") {
        if let Json::Object(fields) = events {
            for (_, list) in fields.iter_mut().filter(|(field, _)| field == "anyOf") {
                if let Json::List(list) = list {
                    list.push(Json::Object(vec![("$ref".into(), Json::String(name.into()))]));
                }
            }
        }
    }
    schemas.push((name.into(), keep_alive));
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources() -> io::Result<BTreeMap<PathBuf, String>> {
    let schemas = fs::read_to_string(workspace().join("tests/fixtures/stream-event-schemas.json"))?;
    let sources = generate(&schemas)?;
    let src = workspace().join("crates/actorstream-proto/src");
    Ok(sources.into_iter().map(|(path, source)| (src.join(path), source)).collect())
}

/// Writes the files that are not as they should be, and gives their paths.
///
/// # Errors
/// When a file cannot be read or written.
pub fn update() -> io::Result<Vec<PathBuf>> {
    let changed = check()?;
    for (path, source) in sources()? {
        if changed.contains(&path) {
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            fs::write(&path, source)?;
        }
    }
    for path in &changed {
        if !sources()?.contains_key(path) {
            fs::remove_file(path)?;
        }
    }
    Ok(changed)
}

/// The paths of the files that are not as they should be, those that should not be there included.
///
/// # Errors
/// When the schemas cannot be read.
pub fn check() -> io::Result<Vec<PathBuf>> {
    let sources = sources()?;
    let wrong =
        sources.iter().filter(|(path, source)| fs::read_to_string(path).ok().as_ref() != Some(source));
    let mut wrong: Vec<PathBuf> = wrong.map(|(path, _)| path.clone()).collect();
    let directory = workspace().join("crates/actorstream-proto/src/responses/generated");
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry?.path();
        if !sources.contains_key(&path) {
            wrong.push(path);
        }
    }
    Ok(wrong)
}
