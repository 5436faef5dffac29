//! `actorstream probe`: how a server keeps to the API, which dialect it speaks, and how fast it is.
//!
//! [`requests`] makes small requests one after the other and [`observation`] notes what arrives when. [`verdict`] judges each,
//! [`dialect`] tells the habits of the server, and [`times`] has the numbers. The [`report`] is printed, written as JSON, or as a
//! [`page`].

mod dialect;
mod hidden;
mod observation;
mod page;
mod plot;
mod report;
mod requests;
mod table;
mod times;
mod verdict;

use std::io::{IsTerminal, Write, stderr, stdout};

use std::time::Duration;

use actorstream::{Timeouts, models};

use crate::arguments::Probe;
use crate::exit::{Exit, Failure, tell};
use crate::out_file::OutFile;
use crate::request::text_model;
use crate::server::{Server, limits, timeouts};
use crate::stop_signals::interrupted;
use crate::terminal::write_json;
use hidden::Hidden;
use report::Report;
use requests::Requests;
use verdict::Verdict;

/// The longest time that an option sets: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Probes a server and prints the report.
pub(crate) async fn probe(probe: Probe) -> Result<Exit, Failure> {
    let Probe { url, model, json, out, limit, pause, mut connection } = probe;
    if limit.is_zero() {
        return Err(Failure::Usage(
            "--limit must be over 0: requests that never end would never be told".to_owned(),
        ));
    }
    let (limit, pause) = (limit.min(LONGEST), pause.min(LONGEST));
    let out = out.map(|out| OutFile::new(&out)).transpose()?;
    if url.is_some() {
        connection.base_url = url;
    }
    let server = Server::new(&connection)?;
    let asking = async {
        let model = match model {
            Some(model) => model,
            None => default_model(&server, limit).await,
        };
        let key = hidden::key(&connection);
        let timeouts = bounded(timeouts(&connection.timeouts), limit);
        let requests = Requests::new(&server.openai, model, timeouts, limits(&connection.sizes), pause, key);
        let probed = requests.run(progress).await;
        Report::new(&hidden::shown_url(&connection), requests.model(), probed, &Hidden::new(&connection))
    };
    let report = tokio::select! {
        report = asking => report,
        () = interrupted() => return Ok(Exit::Interrupted),
    };
    let mut to = stdout().lock();
    // Whoever reads may have read enough.
    let written = match json {
        true if to.is_terminal() => write_json(&mut to, report.to_json().as_bytes()),
        true => to.write_all(report.to_json().as_bytes()),
        false => to.write_all(table::render(&report).as_bytes()),
    };
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
async fn default_model(server: &Server, limit: Duration) -> String {
    let set = text_model("");
    if !set.is_empty() {
        return set;
    }
    // A server that does not list its models may answer all the same.
    let listed = tokio::time::timeout(limit, server.openai.models().max_retries(0).list()).await;
    let listed = listed.ok().and_then(Result::ok);
    let other = |id: &str| {
        ["embed", "whisper", "tts", "rerank", "moderation", "dall-e"].iter().any(|kind| id.contains(kind))
    };
    let first = listed.and_then(|list| {
        let models = &list.response.data;
        let chat = models.iter().find(|model| !other(&model.id.to_ascii_lowercase()));
        chat.or(models.first()).map(|model| model.id.clone())
    });
    first.unwrap_or_else(|| models::CHAT.to_owned())
}

/// These timeouts, within what one request may take.
fn bounded(timeouts: Timeouts, limit: Duration) -> Timeouts {
    Timeouts { total: Some(timeouts.total.map_or(limit, |total| total.min(limit))), ..timeouts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_hold_within_the_limit() {
        let seconds = Duration::from_secs;
        let bounded = |timeouts| bounded(timeouts, seconds(30));
        assert_eq!(bounded(Timeouts::default()).total, Some(seconds(30)));
        let set = bounded(Timeouts::default().first_event(seconds(2)).idle(seconds(1)).total(seconds(5)));
        assert_eq!(
            (set.first_event, set.idle, set.total),
            (Some(seconds(2)), Some(seconds(1)), Some(seconds(5)))
        );
    }
}
