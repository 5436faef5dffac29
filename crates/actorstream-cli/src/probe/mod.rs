//! `actorstream probe`: how a server keeps to the API, which dialect it speaks, and how fast it is.
//!
//! [`requests`] makes small requests one after the other and [`observation`] notes what arrives when. [`verdict`] judges each,
//! [`dialect`] tells the habits of the server, and [`times`] has the numbers. The [`report`] is printed, written as JSON, or as a
//! [`page`].

mod dialect;
mod observation;
mod page;
mod plot;
mod report;
mod requests;
mod table;
mod times;
mod verdict;

use std::io::{IsTerminal, Write, stderr, stdout};

use actorstream::models;

use crate::arguments::{Connection, Probe};
use crate::exit::{Exit, Failure, tell};
use crate::out_file::OutFile;
use crate::request::text_model;
use crate::server::Server;
use report::Report;
use requests::Requests;
use verdict::Verdict;

/// Probes a server and prints the report.
pub(crate) async fn probe(probe: Probe) -> Result<Exit, Failure> {
    let Probe { url, model, json, out, limit, pause, mut connection } = probe;
    if limit.is_zero() {
        return Err(Failure::Usage(
            "--limit must be over 0: requests that never end would never be told".to_owned(),
        ));
    }
    let out = out.map(|out| OutFile::new(&out)).transpose()?;
    if url.is_some() {
        connection.base_url = url;
    }
    let server = Server::new(&connection)?;
    let asking = async {
        let model = match model {
            Some(model) => model,
            None => default_model(&server).await,
        };
        let requests = Requests::new(&server.openai, model, limit, pause, has_key(&connection));
        let probed = requests.run(progress);
        Report::new(shown_url(&connection), requests.model(), probed.await)
    };
    let report = tokio::select! {
        report = asking => report,
        _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
    };
    let text = if json { report.to_json() } else { table::render(&report) };
    // Whoever reads may have read enough.
    let written = stdout().lock().write_all(text.as_bytes());
    if let Some(out) = out {
        out.write(page::render(&report).as_bytes()).map_err(Failure::Other)?;
        tell(format_args!("wrote {}\n", out.path().display()));
    }
    Ok(match report.worst() {
        _ if written.is_err() => Exit::Failed,
        Verdict::Failed => Exit::Failed,
        Verdict::Deviates => Exit::Incomplete,
        Verdict::Kept | Verdict::Skipped => Exit::Finished,
    })
}

/// Tells someone at a terminal how far it is.
fn progress(done: usize, all: usize) {
    let mut stderr = stderr().lock();
    if stderr.is_terminal() {
        let end = if done == all { "\r\x1b[K" } else { "" };
        // The report does not depend on it.
        let _ = write!(stderr, "\rprobing {done}/{all}{end}");
    }
}

/// The model of the environment, or the first that the server lists.
async fn default_model(server: &Server) -> String {
    let set = text_model("");
    if !set.is_empty() {
        return set;
    }
    let listed = server.openai.models().max_retries(0).list().await.ok();
    let first = listed.and_then(|list| list.response.data.first().map(|model| model.id.clone()));
    first.unwrap_or_else(|| models::CHAT.to_owned())
}

/// Whether the server gets a key; one without keys accepts any.
fn has_key(connection: &Connection) -> bool {
    let set = std::env::var("OPENAI_API_KEY").is_ok_and(|key| !key.trim().is_empty());
    set || connection.api_key.as_ref().is_some_and(|key| !key.trim().is_empty())
}

/// The base URL for the report, without user, password and query.
fn shown_url(connection: &Connection) -> String {
    let set = connection.base_url.clone().or_else(|| {
        let names = ["OPENAI_BASE_URL", "OPENAI_API_URL", "OPENAI_API_BASE"];
        names.iter().find_map(|name| std::env::var(name).ok().filter(|url| !url.trim().is_empty()))
    });
    let Some(url) = set else { return "the built-in scripted server".to_owned() };
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}/{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command};

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        let line = ["actorstream", "chat", "x", "--base-url", "http://user:pass@host:1/v1?key=k#f"];
        let Command::Chat(chat) = Arguments::try_parse_from(line).ok().unwrap().command else { panic!() };
        assert_eq!(shown_url(&chat.connection), "http://host:1/v1");
    }
}
