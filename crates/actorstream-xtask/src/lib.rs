//! Writes the types of the API into actorstream-proto, from the schemas of the API.
//!
//! `cargo run -p actorstream-xtask -- generate` writes them. With `--check`, it only reports whether the files are up
//! to date, like [`check`]. `refresh.sh VERSION` first extracts the schemas from that version of the official Python
//! package, and prints the [differences](different).
//!
//! The steps from schemas to source: [`document`] reads the schemas, [`schema`] flattens their alternatives, [`lower`]
//! converts them to Rust types, [`merge`] merges equal types and names them, and [`write`](mod@write) writes them into
//! [`files`]. [`names`] contains the names, and [`docs`] the documentation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

mod accessors;
mod builders;
pub mod different;
pub mod docs;
pub mod document;
pub mod files;
mod imports;
pub mod json;
pub mod lower;
pub mod merge;
pub mod model;
pub mod names;
pub mod schema;
mod size;
mod type_names;
pub mod write;

/// The types from which all others are reachable.
const ROOTS: &[&str] = &[
    "responses.response_stream_event:ResponseStreamEvent",
    "responses.response:Response",
    "image_gen_stream_event:ImageGenStreamEvent",
    "image_edit_stream_event:ImageEditStreamEvent",
    "images_response:ImagesResponse",
    "audio.transcription_stream_event:TranscriptionStreamEvent",
    "audio.speech_stream_event:SpeechStreamEvent",
    "audio.transcription:Transcription",
    "audio.transcription_verbose:TranscriptionVerbose",
    "audio.transcription_diarized:TranscriptionDiarized",
    "responses.response_create_params:ResponseCreateParamsBase",
    "responses.input_token_count_params:InputTokenCountParams",
    "responses.input_token_count_response:InputTokenCountResponse",
    "chat.completion_create_params:CompletionCreateParamsBase",
    "completion_create_params:CompletionCreateParamsBase",
    "image_generate_params:ImageGenerateParamsBase",
    "image_edit_params:ImageEditParamsBase",
    "audio.transcription_create_params:TranscriptionCreateParamsBase",
    "audio.speech_create_params:SpeechCreateParams",
    "embedding_create_params:EmbeddingCreateParams",
    "create_embedding_response:CreateEmbeddingResponse",
    "moderation_create_params:ModerationCreateParams",
    "moderation_create_response:ModerationCreateResponse",
    "model:ModelList",
    "file_create_params:FileCreateParams",
    "file_list_params:FileListParams",
    "file_object:FileList",
    "file_deleted:FileDeleted",
];

/// The path of the schemas in the crate.
const SCHEMAS: &str = "schemas.json";

/// Generates the source files, by their paths below `src` of actorstream-proto, from the texts of `schemas.json` and
/// `additions.json`.
///
/// # Errors
/// `InvalidData` if either is not JSON, or if two types would have the same name.
pub fn generate(schemas: &str, additions: &str) -> io::Result<BTreeMap<String, String>> {
    let schemas = document::read(schemas, additions)?;
    let mut lowerer = lower::Lowerer::new(&schemas);
    let roots: Vec<usize> = ROOTS.iter().map(|root| lowerer.root(root)).collect();
    let (defs, roots) = merge::merge(lowerer.defs, &roots)
        .map_err(|clash| io::Error::new(io::ErrorKind::InvalidData, clash))?;
    Ok(write::write(&defs, &roots))
}

/// Returns the entries of the table of names that match no generated type.
///
/// # Errors
/// If the schemas cannot be read.
pub fn unused_names() -> io::Result<Vec<&'static str>> {
    let schemas =
        document::read(&fs::read_to_string(own(SCHEMAS))?, &fs::read_to_string(own("additions.json"))?)?;
    let mut lowerer = lower::Lowerer::new(&schemas);
    for root in ROOTS {
        lowerer.root(root);
    }
    let used: Vec<_> = lowerer.defs.iter().filter_map(|def| names::entry(&def.name)).collect();
    let entries = type_names::TYPES.iter().chain(type_names::CHAT);
    Ok(entries.map(|(entry, _)| *entry).filter(|entry| !used.contains(entry)).collect())
}

/// Returns the root of the workspace.
pub fn workspace() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own).to_owned()
}

fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn sources(schemas: &str) -> io::Result<BTreeMap<PathBuf, String>> {
    let sources = generate(schemas, &fs::read_to_string(own("additions.json"))?)?;
    let src = workspace().join("crates/actorstream-proto/src");
    Ok(sources.into_iter().map(|(path, source)| (src.join(path), source)).collect())
}

/// Writes the files that are out of date, and returns their paths.
///
/// # Errors
/// If a file cannot be read or written, or if two types would have the same name.
pub fn update() -> io::Result<Vec<PathBuf>> {
    write_all(&sources(&fs::read_to_string(own(SCHEMAS))?)?)
}

/// Replaces the schemas with `new` and writes the generated types. Returns the differences, and the paths of the
/// changed files. Nothing is written if two types would have the same name.
///
/// # Errors
/// Those of [`update`].
pub fn refresh(new: &Path) -> io::Result<(Vec<String>, Vec<PathBuf>)> {
    let new = fs::read_to_string(new)?;
    let sources = sources(&new)?;
    let differences = different::differences(&fs::read_to_string(own(SCHEMAS))?, &new)?;
    fs::write(own(SCHEMAS), new)?;
    Ok((differences, write_all(&sources)?))
}

fn write_all(sources: &BTreeMap<PathBuf, String>) -> io::Result<Vec<PathBuf>> {
    let changed = wrong(sources)?;
    for path in &changed {
        match sources.get(path) {
            Some(source) => {
                fs::create_dir_all(path.parent().unwrap_or(path))?;
                fs::write(path, source)?;
            }
            None => fs::remove_file(path)?,
        }
    }
    Ok(changed)
}

/// Returns the paths of the files that are out of date, including those that should not exist.
///
/// # Errors
/// If the schemas cannot be read.
pub fn check() -> io::Result<Vec<PathBuf>> {
    wrong(&sources(&fs::read_to_string(own(SCHEMAS))?)?)
}

fn wrong(sources: &BTreeMap<PathBuf, String>) -> io::Result<Vec<PathBuf>> {
    let wrong =
        sources.iter().filter(|(path, source)| fs::read_to_string(path).ok().as_ref() != Some(source));
    let mut wrong: Vec<PathBuf> = wrong.map(|(path, _)| path.clone()).collect();
    for (folder, _) in files::FOLDERS {
        let folder = workspace().join("crates/actorstream-proto/src").join(folder);
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry?.path();
            if !sources.contains_key(&path) {
                wrong.push(path);
            }
        }
    }
    Ok(wrong)
}
