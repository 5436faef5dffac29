//! Checks that every test named in the documents exists.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns the names of the tests in a file.
fn tests(path: &Path) -> Vec<String> {
    let source = fs::read_to_string(path).unwrap();
    let mut names = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            is_test |= line.contains("test");
        } else if let Some((name, _)) =
            line.split_once("fn ").and_then(|(_, rest)| rest.split_once(['(', '<']))
            && std::mem::take(&mut is_test)
        {
            names.push(name.to_owned());
        }
    }
    names
}

/// Returns every test of the project, by the stem of its file.
fn all_tests() -> BTreeMap<String, Vec<String>> {
    fn walk(folder: &Path, found: &mut BTreeMap<String, Vec<String>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("node_modules") {
                    walk(&path, found);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let stem = path.file_stem().unwrap().to_str().unwrap().trim_end_matches("_tests").to_owned();
                if ["main", "mod", "tests"].contains(&stem.as_str()) {
                    // Also listed under the name of its folder.
                    let folder = folder.file_name().unwrap().to_str().unwrap().to_owned();
                    found.entry(folder).or_default().extend(tests(&path));
                }
                found.entry(stem).or_default().extend(tests(&path));
            }
        }
    }
    let mut found = BTreeMap::new();
    let folders = [
        "crates/actorstream-proto/src",
        "crates/actorstream/src",
        "crates/actorstream-cli/src",
        "crates/actorstream-cli/tests",
        "crates/actorstream-test/src",
        "crates/actorstream-test/tests",
        "crates/actorstream-web/src",
        "crates/actorstream-web/tests",
        "examples",
        "tests/tests",
    ];
    for folder in folders {
        walk(&root().join(folder), &mut found);
    }
    found
}

/// Returns whether a test in `tests/web` has a title that begins like this: `file.test.mjs: title`.
fn is_web_test(name: &str) -> bool {
    let Some((file, title)) = name.split_once(".test.mjs: ") else { return false };
    let source = fs::read_to_string(root().join(format!("tests/web/{file}.test.mjs"))).unwrap_or_default();
    ["test('", "test(`", "test(\""].iter().any(|opening| source.contains(&format!("{opening}{title}")))
}

/// Checks that every row of the tables in a document, from a heading on, names existing tests. Returns their number.
fn check(document: &str, heading: &str) -> usize {
    let tests = all_tests();
    let text = fs::read_to_string(root().join(document)).unwrap();
    let text = &text[text.find(heading).unwrap()..];
    let mut named = 0;
    for line in text.lines() {
        let names: Vec<&str> =
            line.split('`').skip(1).step_by(2).filter(|code| code.contains("::")).collect();
        let web = line.split('`').skip(1).step_by(2).filter(|code| code.contains(".test.mjs: "));
        let mut is_tested = !names.is_empty();
        for name in web {
            assert!(is_web_test(name), "{document} names {name}, which is not a test");
            is_tested = true;
            named += 1;
        }
        for name in &names {
            let (module, test) = name.split_once("::").unwrap();
            if !module.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_') {
                continue;
            }
            let exists = tests.get(module).is_some_and(|names| names.iter().any(|name| name == test));
            assert!(exists, "{document} names {name}, which is not a test");
            named += 1;
        }
        let cells = line.split('|').count();
        let is_row =
            line.starts_with("| ") && cells >= 4 && !line.contains("---") && !line.contains("| test |");
        assert!(!is_row || is_tested, "{document}: a row without a test: {line}");
    }
    named
}

#[test]
fn every_row_of_the_contract_names_tests_that_exist() {
    let named = check("docs/runtime-semantics.md", "");
    assert!(named > 60, "{named}");
}

#[test]
fn every_promise_of_reliability_names_tests_that_exist() {
    let named = check("docs/reliability.md", "");
    assert!(named > 10, "{named}");
}

#[test]
fn every_promise_about_the_log_and_its_viewers_names_tests_that_exist() {
    let named = check("docs/web.md", "## What is promised");
    assert!(named > 60, "{named}");
}

#[test]
fn every_promise_about_several_instances_names_tests_that_exist() {
    let named = check("docs/scale-out.md", "## What is promised");
    assert!(named > 20, "{named}");
}
