//! The contents of the workspace: packages, targets, features, tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

pub(crate) struct Metadata {
    json: Value,
}

impl Metadata {
    pub(crate) fn read(root: &Path) -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(root)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { json: serde_json::from_slice(&output.stdout).unwrap() }
    }

    fn packages(&self) -> impl Iterator<Item = &Value> {
        self.json["packages"].as_array().unwrap().iter()
    }

    /// Returns the packages that cargo selects: the named one, those of the workspace, or the default ones.
    fn chosen(&self, package: Option<&str>, is_workspace: bool) -> Vec<&Value> {
        let defaults = self.json["workspace_default_members"].as_array().unwrap();
        self.packages()
            .filter(|found| match package {
                Some(name) => found["name"] == name,
                None => is_workspace || defaults.contains(&found["id"]),
            })
            .collect()
    }

    /// Checks that the package, version and features in a line of a `Cargo.toml` exist.
    pub(crate) fn check_dependency(&self, line: &str) -> Result<(), String> {
        let (name, value) = line.split_once('=').ok_or("it has no version")?;
        let mut quoted = value.split('"').skip(1).step_by(2);
        let package = self
            .packages()
            .find(|package| package["name"] == name.trim())
            .ok_or("there is no such package")?;
        let version = quoted.next().ok_or("it has no version")?;
        if !package["version"].as_str().unwrap().starts_with(version) {
            return Err(format!("its version is {}", package["version"]));
        }
        quoted
            .find(|feature| package["features"][*feature].is_null())
            .map_or(Ok(()), |feature| Err(format!("it has no feature {feature}")))
    }

    /// Checks that everything a command names exists.
    pub(crate) fn check(&self, command: &str) -> Result<(), String> {
        let words: Vec<&str> = command.split_whitespace().skip_while(|word| *word != "cargo").collect();
        let words = &words[1..words.iter().position(|word| *word == "--").unwrap_or(words.len())];
        let after = |names: &[&str]| {
            words.iter().position(|word| names.contains(word)).and_then(|index| words.get(index + 1).copied())
        };
        let package = after(&["-p", "--package"]);
        let packages = self.chosen(package, words.contains(&"--workspace"));
        if packages.is_empty() {
            return Err(format!("there is no package {package:?}"));
        }
        let mut sources = Vec::new();
        for kind in ["example", "bin", "test", "bench"] {
            let Some(name) = after(&[&format!("--{kind}")]) else { continue };
            let mut targets = packages.iter().flat_map(|package| package["targets"].as_array().unwrap());
            let target = targets.find(|target| target["name"] == name && target["kind"][0] == kind);
            let target = target.ok_or_else(|| format!("there is no {kind} {name} in {package:?}"))?;
            sources.push(PathBuf::from(target["src_path"].as_str().unwrap()));
        }
        for feature in after(&["--features"]).into_iter().flat_map(|features| features.split(',')) {
            let (owner, feature) = feature.split_once('/').unwrap_or((package.unwrap_or_default(), feature));
            let has = |package: &Value| {
                (owner.is_empty() || package["name"] == owner) && !package["features"][feature].is_null()
            };
            if !self.packages().any(has) {
                return Err(format!("{owner} has no feature {feature}"));
            }
        }
        // A word that is neither an option nor its value is part of a test's name.
        if let [first, .., before, filter] = words
            && *first == "test"
            && !before.starts_with('-')
            && !filter.starts_with('-')
            && !sources.is_empty()
            && !sources.iter().any(|source| names_a_test(source, filter))
        {
            return Err(format!("there is no test {filter}"));
        }
        Ok(())
    }
}

/// Returns whether a target has a test or a module whose name contains `filter`.
fn names_a_test(source: &Path, filter: &str) -> bool {
    let folder = source.parent().unwrap();
    let files = if source.ends_with("main.rs") {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    } else {
        vec![source.to_owned()]
    };
    files.iter().any(|file| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().any(|line| {
            line.trim()
                .trim_start_matches("async ")
                .strip_prefix("fn ")
                .is_some_and(|name| name.contains(filter))
        })
    })
}
