//! Checks the layers of the crates in docs/architecture.md: a module uses only modules in lower layers.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The layers of a crate from top to bottom. A module uses only modules in lower layers.
struct Layers {
    src: &'static str,
    layers: &'static [&'static [&'static str]],
}

const CRATES: [Layers; 2] = [
    Layers {
        src: "crates/actorstream-proto/src",
        layers: &[
            &["api"],
            &["answer", "template"],
            &["session"],
            &["endpoint"],
            &["sse", "request"],
            &["outcome"],
            &["json"],
        ],
    },
    Layers {
        src: "crates/actorstream/src",
        layers: &[
            &["client"],
            &["connector"],
            &["tools"],
            &["transport", "telemetry"],
            &["stream", "settings", "models"],
            &["recording"],
        ],
    },
];

/// The path of a module in its crate: `["session", "head"]`.
type Module = Vec<String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the source of each module of a crate, without comments and tests.
fn modules(src: &Path) -> BTreeMap<Module, String> {
    fn walk(folder: &Path, path: &mut Module, found: &mut BTreeMap<Module, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            let stem = file.file_stem().unwrap().to_str().unwrap().to_owned();
            if file.is_dir() {
                path.push(stem);
                walk(&file, path, found);
                path.pop();
            } else if file.extension().is_some_and(|extension| extension == "rs") && !is_test(&stem) {
                let mut module = path.clone();
                if !["mod", "lib"].contains(&stem.as_str()) {
                    module.push(stem);
                }
                found.insert(module, code(&fs::read_to_string(&file).unwrap()));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(src, &mut Vec::new(), &mut found);
    found
}

/// Returns whether a file contains only tests; `dialects` is a folder of tests.
fn is_test(stem: &str) -> bool {
    stem == "tests" || stem.ends_with("_tests") || stem == "differential"
}

fn code(source: &str) -> String {
    let until = source.find("#[cfg(test)]\nmod tests {").unwrap_or(source.len());
    let lines = source[..until].lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Returns the paths that a module uses, from the crate's root.
fn used(module: &Module, source: &str) -> Vec<Module> {
    let mut paths = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in source.match_indices(start) {
            let before = source[..at].chars().next_back();
            if before.is_some_and(|before| before.is_alphanumeric() || before == ':' || before == '_') {
                continue;
            }
            let first = if start == "crate::" { Vec::new() } else { parent(module) };
            let mut rest = &source[at + start.len()..];
            let mut first = first;
            while let Some(more) = rest.strip_prefix("super::") {
                first.pop();
                rest = more;
            }
            expand(first, rest, &mut paths);
        }
    }
    paths
}

fn parent(module: &Module) -> Module {
    module[..module.len().saturating_sub(1)].to_vec()
}

/// Adds the paths that begin here: one, or those of a group in braces. Returns the rest of the source.
fn expand<'a>(mut path: Module, mut rest: &'a str, paths: &mut Vec<Module>) -> &'a str {
    loop {
        rest = rest.trim_start();
        if let Some(mut inner) = rest.strip_prefix('{') {
            while !inner.trim_start().starts_with('}') && !inner.is_empty() {
                let left = expand(path.clone(), inner, paths).trim_start();
                let left = left.strip_prefix("as ").map_or(left, |alias| {
                    alias.trim_start_matches(|letter: char| letter.is_alphanumeric() || letter == '_')
                });
                let left = left.trim_start();
                inner = left.strip_prefix(',').unwrap_or(left);
                if inner.len() == left.len() && !left.starts_with('}') {
                    break;
                }
            }
            return inner.trim_start().strip_prefix('}').unwrap_or(inner);
        }
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
        path.push(rest[..end].to_owned());
        rest = &rest[end..];
        match rest.strip_prefix("::") {
            Some(more) => rest = more,
            None => break,
        }
    }
    paths.push(path);
    rest
}

/// Returns, for each module, the modules that it uses. A module that only exports its submodules, as a `mod.rs`
/// does, does not use them.
fn uses(src: &Path) -> BTreeMap<Module, BTreeSet<Module>> {
    let modules = modules(src);
    let edges = modules.iter().map(|(module, source)| {
        let targets = used(module, source).into_iter().filter_map(|path| {
            let known = (0..=path.len()).rev().find(|length| modules.contains_key(&path[..*length]))?;
            Some(path[..known].to_vec())
        });
        (module.clone(), targets.filter(|target| !target.starts_with(module)).collect())
    });
    edges.collect()
}

fn layer(layers: &Layers, module: &str) -> Option<usize> {
    layers.layers.iter().position(|modules| modules.contains(&module))
}

#[test]
fn modules_use_only_modules_of_lower_layers() {
    let mut checked = 0;
    for layers in &CRATES {
        for (module, targets) in uses(&root().join(layers.src)) {
            let Some(own) = module.first() else { continue };
            let Some(here) = layer(layers, own) else {
                assert_eq!(own, "dialects", "{}: the module {own} is in no layer", layers.src);
                continue;
            };
            for target in targets {
                // The root contains the macros of a crate, and exports its modules.
                let Some(other) = target.first().filter(|other| *other != own) else { continue };
                let there = layer(layers, other).unwrap_or_else(|| panic!("{other} is in no layer"));
                assert!(
                    there > here,
                    "{}: {} uses {}, which is not below it",
                    layers.src,
                    module.join("::"),
                    target.join("::")
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 200, "{checked}");
}

#[test]
fn there_are_no_import_cycles_between_files() {
    for layers in &CRATES {
        let edges = uses(&root().join(layers.src));
        for start in edges.keys() {
            let mut seen = BTreeSet::new();
            let mut ahead: Vec<_> = edges[start].iter().collect();
            while let Some(module) = ahead.pop() {
                assert_ne!(
                    module,
                    start,
                    "{}: {} uses itself by way of others",
                    layers.src,
                    start.join("::")
                );
                if seen.insert(module) {
                    ahead.extend(edges.get(module).into_iter().flatten());
                }
            }
        }
    }
}

#[test]
fn paths_are_read_as_the_compiler_reads_them() {
    let module = ["session", "head"].map(str::to_owned).to_vec();
    let source = "use crate::json::{text::Text, wire::{Extra as More, Wire}, list};\nuse super::retry::{self, LATER};\n\
                  fn f() { crate::sse::frames($crate::json::object!()) }";
    let mut paths: Vec<String> = used(&module, source).iter().map(|path| path.join("::")).collect();
    paths.sort();
    assert_eq!(
        paths,
        [
            "json::list",
            "json::object",
            "json::text::Text",
            "json::wire::Extra",
            "json::wire::Wire",
            "session::retry::LATER",
            "session::retry::self",
            "sse::frames",
        ]
    );
}

#[test]
fn the_page_names_files_that_exist() {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
                found.push(format!("{}/", path.display()));
            } else {
                found.push(path.display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["crates", "tests/tests", "tests/loom/src"] {
        walk(&root().join(folder), &mut found);
    }
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let spans: Vec<&str> = page.split('`').skip(1).step_by(2).collect();
    let mut named = 0;
    for path in spans.iter().filter(|span| span.ends_with(".rs") || span.ends_with('/')) {
        let (start, end) = path.split_once('*').unwrap_or(("", path));
        let exists = found.iter().any(|file| {
            file.strip_suffix(end)
                .is_some_and(|before| before.contains(start) && (before.ends_with('/') || !start.is_empty()))
        });
        assert!(exists, "docs/architecture.md names {path}, which is not there");
        named += 1;
    }
    assert!(named > 50, "{named}");
}
