//! Checks that `crates/actorstream/src/models.rs` lists every model named in documents, examples and defaults.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The prefixes of the API's model names. `gpt-oss` models are served by others.
const FAMILIES: [&str; 11] = [
    "gpt-",
    "chatgpt-",
    "o1",
    "o3",
    "o4",
    "tts-",
    "whisper-",
    "dall-e",
    "davinci",
    "babbage",
    "text-embedding-",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn is_model(word: &str) -> bool {
    FAMILIES.iter().any(|family| match word.strip_prefix(family) {
        Some(rest) if family.ends_with('-') => !rest.is_empty() && !rest.starts_with("oss"),
        Some(rest) => (rest.is_empty() && family.starts_with('o')) || rest.starts_with('-'),
        None => false,
    })
}

/// Returns the model names in a text.
fn models(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-' && letter != '.');
    words
        .map(|word| word.trim_end_matches(['.', '-']))
        .filter(|word| is_model(word))
        .map(str::to_owned)
        .collect()
}

fn walk(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let skipped = ["target", "node_modules", "dist"].iter().any(|name| path.ends_with(name));
            if !skipped {
                walk(&path, found);
            }
        }
    } else {
        found.push(path.to_owned());
    }
}

#[test]
fn documents_examples_and_defaults_name_only_models_that_are_served() {
    let list = "crates/actorstream/src/models.rs";
    let served = models(&fs::read_to_string(root().join(list)).unwrap());
    assert!(served.len() >= 5, "{served:?}");
    let mut files = Vec::new();
    for path in ["README.md", "docs", "examples", "crates/actorstream-cli/src", "crates/actorstream-web/src"]
    {
        walk(&root().join(path), &mut files);
    }
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        files.push(entry.unwrap().path().join("README.md"));
    }
    let mut read = 0;
    for file in files {
        let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        // Reports of measurements keep the names in the measured data.
        let is_report =
            file.components().any(|part| part.as_os_str().to_string_lossy().starts_with("performance"));
        if is_report || !["md", "rs", "js", "mjs", "ts", "tsx", "jsx", "html"].contains(&extension) {
            continue;
        }
        let Ok(text) = fs::read_to_string(&file) else { continue };
        read += 1;
        for model in models(&text) {
            assert!(served.contains(&model), "{} names {model}, which {list} does not list", file.display());
        }
    }
    assert!(read > 50, "{read}");
}

#[test]
fn names_of_models_are_found() {
    let text = "\"gpt-4o-mini\", `whisper-1`. o3, o3-mini; gpt-oss-120b my-model iso3 gpt-6-luna.";
    let found: Vec<String> = models(text).into_iter().collect();
    assert_eq!(found, ["gpt-4o-mini", "gpt-6-luna", "o3", "o3-mini", "whisper-1"]);
}
