//! The commands in documents and comments.

use std::fs;
use std::path::Path;

/// Commands that belong together, in order.
#[derive(Debug)]
pub(crate) struct Block {
    /// The file, and the line where they begin.
    pub(crate) place: String,
    pub(crate) commands: Vec<String>,
}

/// The folders with documents, and with code whose comments contain commands.
const FOLDERS: [&str; 4] = ["docs", "crates", "examples", "tests"];

/// Returns all blocks of commands. Each command within a line of text is a separate block.
pub(crate) fn blocks(root: &Path) -> Vec<Block> {
    let mut found = Vec::new();
    read(root, &root.join("README.md"), &mut found);
    for folder in FOLDERS {
        walk(root, &root.join(folder), &mut found);
    }
    found
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<Block>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_str().unwrap();
        // The benches are a separate workspace, with scripts that run them.
        let is_ours = !name.starts_with('.')
            && !["node_modules", "vendor", "dist", "target", "captures", "actorstream-bench"].contains(&name)
            // The commands in the tests of this file are not documentation.
            && !path.ends_with("tests/tests/commands");
        if is_ours && path.is_dir() {
            walk(root, &path, found);
        } else if is_ours {
            read(root, &path, found);
        }
    }
}

fn read(root: &Path, path: &Path, found: &mut Vec<Block>) {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let is_code = ["rs", "js", "jsx"].contains(&extension);
    if (!is_code && extension != "md") || path.ends_with("CHANGELOG.md") {
        return;
    }
    let Ok(text) = fs::read_to_string(path) else { return };
    let place = path.strip_prefix(root).unwrap().display().to_string();
    let lines: Vec<&str> =
        text.lines().map(|line| if is_code { comment(line).unwrap_or_default() } else { line }).collect();
    of_lines(&place, &lines, found);
}

/// Returns the comment on a line of code.
fn comment(line: &str) -> Option<&str> {
    let line = line.trim_start();
    ["//!", "///", "//"].iter().find_map(|prefix| line.strip_prefix(prefix))
}

fn of_lines(place: &str, lines: &[&str], found: &mut Vec<Block>) {
    let mut lines = lines.iter().enumerate();
    while let Some((number, line)) = lines.next() {
        let place = format!("{place}:{}", number + 1);
        let Some(language) = line.trim_start().strip_prefix("```") else {
            for command in line.split('`').skip(1).step_by(2).filter(|code| is_command(code)) {
                found.push(Block { place: place.clone(), commands: vec![command.to_owned()] });
            }
            continue;
        };
        let block: Vec<&str> =
            lines.by_ref().map(|(_, line)| line.trim()).take_while(|line| !line.starts_with("```")).collect();
        if ["sh", "bash", "shell", "console"].contains(&language.trim()) {
            found.push(Block { place, commands: commands(&block) });
        }
    }
}

/// Returns the `Cargo.toml` dependencies in documents, each with its location.
pub(crate) fn dependencies(root: &Path) -> Vec<(String, String)> {
    let mut documents = vec![root.join("README.md")];
    for folder in ["docs", "crates/actorstream-test", "crates/actorstream-cli"] {
        documents.extend(fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()));
    }
    let mut found = Vec::new();
    for document in
        documents.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md"))
    {
        let mut is_toml = false;
        for (number, line) in fs::read_to_string(document).unwrap().lines().enumerate() {
            if line.starts_with("```") {
                is_toml = line == "```toml";
            } else if is_toml && line.starts_with("actorstream") {
                found.push((format!("{}:{}", document.display(), number + 1), line.to_owned()));
            }
        }
    }
    found
}

/// Returns whether inline code is a command, and not only the name of a program or an option.
fn is_command(code: &str) -> bool {
    let mut words = code.split_whitespace().skip_while(|word| word.contains('='));
    words.next().is_some_and(|program| program == "cargo")
        && words.next().is_some_and(|word| ["run", "test", "bench", "build"].contains(&word))
}

/// Returns the commands of a block without comments; continued lines are joined.
fn commands(lines: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in lines {
        let line = line.strip_prefix("$ ").unwrap_or(line);
        let code = if line.starts_with('#') { "" } else { line.split(" # ").next().unwrap() }.trim();
        let (code, is_open) = code.strip_suffix('\\').map_or((code, false), |code| (code.trim(), true));
        if goes_on {
            let last = found.last_mut().unwrap();
            last.push(' ');
            last.push_str(code);
        } else if !code.is_empty() {
            found.push(code.to_owned());
        }
        goes_on = is_open;
    }
    found
}
