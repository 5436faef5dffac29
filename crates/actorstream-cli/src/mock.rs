//! The scripted upstream as a separate server.

use std::ffi::OsStr;
use std::fs;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};

use actorstream_test::{Reply, Script, Upstream, story};

use crate::arguments::Mock;
use crate::exit::{Exit, Failure, tell};

/// Serves until Ctrl-C.
pub(crate) async fn serve(mock: &Mock) -> Result<Exit, Failure> {
    let script = script(mock)?;
    let upstream = Upstream::builder()
        .port(mock.port)
        .record_requests(false)
        .start(script)
        .map_err(|error| Failure::Other(format!("cannot listen on 127.0.0.1:{}: {error}", mock.port)))?;
    let announced = async {
        tell(format_args!(
            "listening on {}\ntry: actorstream chat \"Tell me a story\" --base-url {}\n",
            upstream.url(),
            upstream.base_url(),
        ));
        pending::<()>().await;
    };
    tokio::select! {
        // First: a reader of the announcement may send the signal at once.
        biased;
        _ = tokio::signal::ctrl_c() => {}
        () = announced => {}
    }
    Ok(Exit::Finished)
}

fn script(mock: &Mock) -> Result<Script, Failure> {
    let Some(path) = &mock.script else { return Ok(story()) };
    let cannot =
        |path: &Path, error: io::Error| Failure::config(format!("cannot read {}: {error}", path.display()));
    if path.is_dir() {
        let recorded = recorded(path).map_err(|error| cannot(path, error))?;
        if recorded.is_empty() {
            return Err(Failure::config(format!("{} has no .http files", path.display())));
        }
        return Ok(Script::sequence(recorded));
    }
    let file = fs::read(path).map_err(|error| cannot(path, error))?;
    Script::parse(&file).map_err(|error| Failure::config(format!("{}: {error}", path.display())))
}

/// The recorded responses in a folder.
fn recorded(folder: &Path) -> io::Result<Vec<Reply>> {
    let paths = recorded_paths(folder)?;
    paths.into_iter().map(|path| Ok(Reply::replayed(fs::read(path)?))).collect()
}

/// The files with recorded responses, in their order.
fn recorded_paths(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<io::Result<Vec<PathBuf>>>()?;
    paths.retain(|path| path.extension() == Some(OsStr::new("http")));
    paths.sort_by_cached_key(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Numbered files in the order of their numbers, which may have more digits than others.
        let number = name.split('-').next().and_then(|number| number.parse::<u32>().ok());
        (number.is_none(), number, name)
    });
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_responses_are_played_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["10000-a.http", "9999-b.http", "0002-a.http", "other.http", "0001-a.request.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let paths = recorded_paths(folder.path()).unwrap();
        let names: Vec<_> = paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["0002-a.http", "9999-b.http", "10000-a.http", "other.http"]);
    }

    #[test]
    fn a_script_that_cannot_be_used_says_why() {
        for (path, why) in [
            ("Cargo.toml", "Cargo.toml: line 1: "),
            ("/nowhere/at all", "cannot read"),
            ("src", "src has no .http files"),
        ] {
            let mock = Mock { port: 0, script: Some(path.into()) };
            let Err(Failure::Config(error)) = script(&mock) else { panic!("{path}") };
            assert!(error.to_string().starts_with(why), "{error}");
        }
    }
}
