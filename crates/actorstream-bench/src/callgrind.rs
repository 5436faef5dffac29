//! Counts instructions and allocations with callgrind.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::Error;
use crate::process::{output, sibling};

/// The allocator's functions, as callgrind names them.
const ALLOCATES: [&str; 6] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"];

/// What a process did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts {
    /// User-space instructions.
    pub instructions: f64,
    /// Calls of the allocator.
    pub allocations: f64,
}

/// What a program does for each event: `arguments` makes it handle so many.
///
/// # Errors
/// When valgrind or the program fails.
pub fn per_event(
    program: &str,
    events: usize,
    arguments: impl Fn(usize) -> Vec<String>,
) -> Result<Counts, Error> {
    let once = count(program, &arguments(events))?;
    let twice = count(program, &arguments(2 * events))?;
    let each = |once: f64, twice: f64| (twice - once) / events as f64;
    Ok(Counts {
        instructions: each(once.instructions, twice.instructions),
        allocations: each(once.allocations, twice.allocations),
    })
}

/// What a program does from its start to its end.
///
/// # Errors
/// When valgrind or the program fails.
pub fn count(program: &str, arguments: &[String]) -> Result<Counts, Error> {
    let file = env::temp_dir().join(format!("actorstream-bench-{}.callgrind", std::process::id()));
    let mut command = Command::new("valgrind");
    command.args(["-q", "--tool=callgrind"]);
    command.arg(format!("--callgrind-out-file={}", file.display()));
    command.arg(sibling(program)?).args(arguments);
    output(&mut command)?;
    let counts = read(&file);
    fs::remove_file(&file)?;
    counts
}

fn read(file: &Path) -> Result<Counts, Error> {
    parse(&fs::read_to_string(file)?).ok_or_else(|| "callgrind counted nothing".into())
}

/// Reads callgrind's output. Names are given once, `(1) malloc`, and are numbers from there on.
fn parse(text: &str) -> Option<Counts> {
    let mut instructions = None;
    let mut allocations = 0;
    let mut names = HashMap::new();
    let mut callee = None;
    let mut allocates = |name: &str| -> Option<bool> {
        let (number, name) = name.split_once(')')?;
        let name = name.trim_start();
        if !name.is_empty() {
            names.insert(number.to_owned(), ALLOCATES.contains(&name));
        }
        names.get(number).copied()
    };
    let mut in_allocator = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            in_allocator = allocates(name)?;
        } else if let Some(name) = line.strip_prefix("cfn=") {
            callee = allocates(name);
        } else if let Some(calls) = line.strip_prefix("calls=") {
            // One that calls another, or the stub of one in the dynamic linker, is counted once.
            if callee? && !in_allocator {
                allocations += calls.split(' ').next()?.parse::<u64>().ok()?;
            }
        } else if let Some(totals) = line.strip_prefix("totals:") {
            instructions = totals.trim().parse::<u64>().ok();
        }
    }
    Some(Counts { instructions: instructions? as f64, allocations: allocations as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callgrinds_output_is_read() {
        let text = "fn=(1) main\n16 400\ncfn=(2) malloc\ncalls=3 0\n16 90\ncfn=(3) free\ncalls=9 0\n16 90\n\n\
                    fn=(2)\n0 20\ncfn=(2)\ncalls=5 0\n1 7\n\nfn=(3)\ncfn=(2)\ncalls=2 0\n1 7\n\ntotals: 614\n";
        assert_eq!(parse(text), Some(Counts { instructions: 614.0, allocations: 5.0 }));
        assert_eq!(parse(""), None);
    }
}
