//! `cargo run -p actorstream-xtask -- generate [--check]`, and `refresh`, which `refresh.sh` calls: see the library.

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p actorstream-xtask -- generate [--check]
       crates/actorstream-xtask/refresh.sh VERSION";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["generate"] => actorstream_xtask::update().map(|paths| (Vec::new(), "written", paths)),
        ["generate", "--check"] => {
            actorstream_xtask::check().map(|paths| (Vec::new(), "not up to date", paths))
        }
        ["refresh", schemas] => actorstream_xtask::refresh(Path::new(schemas))
            .map(|(differences, paths)| (differences, "written", paths)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok((differences, verb, paths)) => {
            for line in &differences {
                println!("{line}");
            }
            for path in &paths {
                let path = path.strip_prefix(actorstream_xtask::workspace()).unwrap_or(path);
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
