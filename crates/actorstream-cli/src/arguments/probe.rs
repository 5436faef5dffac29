//! The options of `probe`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::connection::{Connection, timeout};

/// What `--help` says of its exit status.
pub(crate) const EXIT: &str = "\
It makes at most twelve small requests, which ask for some 900 tokens together, and tells of each whether the server kept to the API
(kept), answered otherwise (deviates), or gave no answer that can be relied upon (failed).

Exit status: 0 all were kept; 1 at least one failed; 2 wrong usage or configuration; 3 none failed, but some deviate; 130 Ctrl-C.";

#[derive(Args)]
pub(crate) struct Probe {
    /// The base URL of the API, such as http://localhost:8000/v1 [default: OPENAI_BASE_URL]
    pub(crate) url: Option<String>,
    /// The model [default: OPENAI_MODEL, or the first that the server lists]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Print the report as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write the report as a page with plots to this file, such as report.html
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// How many seconds one request may take
    #[arg(long, value_name = "S", value_parser = timeout, default_value = "30")]
    pub(crate) limit: Duration,
    /// How many seconds the reader of one stream pauses
    #[arg(long, value_name = "S", value_parser = timeout, default_value = "3")]
    pub(crate) pause: Duration,
    #[command(flatten)]
    pub(crate) connection: Connection,
}
