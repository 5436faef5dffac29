//! `cargo run -p actorstream-xtask -- generate [--check]`: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (result, verb) = match arguments[..] {
        ["generate"] => (actorstream_xtask::update(), "written"),
        ["generate", "--check"] => (actorstream_xtask::check(), "not up to date"),
        _ => {
            eprintln!("usage: cargo run -p actorstream-xtask -- generate [--check]");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(paths) => {
            for path in &paths {
                println!("{verb}: {}", path.display());
            }
            if verb == "written" || paths.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
