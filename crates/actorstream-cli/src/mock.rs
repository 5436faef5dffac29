//! The scripted upstream as a separate server.

use std::fs;
use std::future::pending;

use actorstream_test::{Script, Upstream, story};

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
    let file = fs::read(path)
        .map_err(|error| Failure::config(format!("cannot read {}: {error}", path.display())))?;
    Script::parse(&file).map_err(|error| Failure::config(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_cannot_be_used_says_why() {
        for (path, why) in [("Cargo.toml", "Cargo.toml: line 1: "), ("/nowhere/at all", "cannot read")] {
            let mock = Mock { port: 0, script: Some(path.into()) };
            let Err(Failure::Config(error)) = script(&mock) else { panic!("{path}") };
            assert!(error.to_string().starts_with(why), "{error}");
        }
    }
}
