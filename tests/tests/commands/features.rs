//! The features that dependencies are built with, which differ between the packages that commands name.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Returns the dependencies of packages that cargo selects with `selection`, each with its version and features.
fn built(root: &Path, edges: &str, selection: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--prefix=none", "--format={p} {f}", "--edges", edges])
        .args(selection)
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

/// Returns those dependencies of `actorstream`, and itself, that a package needs with other features than the whole workspace.
pub(crate) fn built_again(root: &Path, package: &str) -> Vec<String> {
    let name = |line: &str| line.split(' ').next().unwrap().to_owned();
    let client = built(root, "normal,build", &["--package=actorstream"]);
    let client: BTreeSet<String> = client.iter().map(|line| name(line)).collect();
    let workspace = built(root, "normal,build,dev", &["--workspace"]);
    let of_package = built(root, "normal,build,dev", &["--package", package]);
    let again = of_package.iter().filter(|line| client.contains(&name(line)) && !workspace.contains(*line));
    again.cloned().collect()
}
