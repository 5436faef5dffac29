//! The arguments for chats, completions, responses, and any other endpoint.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::connection::Connection;
use super::display::{Display, Whole};
use crate::source::Source;

#[derive(Args)]
pub(crate) struct Chat {
    /// The user's message; words are joined by spaces. Read from stdin if neither it nor --body is given
    pub(crate) prompt: Vec<String>,
    /// Instructions before the prompt
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// The model [default: OPENAI_MODEL, or gpt-6-luna]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// The request to start from; the prompt and options are added to it
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) body: Option<Source>,
    #[command(flatten)]
    pub(crate) whole: Whole,
    #[command(flatten)]
    pub(crate) display: Display,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Args)]
pub(crate) struct Complete {
    /// The text to continue; words are joined by spaces. Read from stdin if neither it nor --body is given
    pub(crate) prompt: Vec<String>,
    /// The model [default: OPENAI_MODEL, or gpt-3.5-turbo-instruct]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// The request to start from; the prompt and options are added to it
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) body: Option<Source>,
    #[command(flatten)]
    pub(crate) whole: Whole,
    #[command(flatten)]
    pub(crate) display: Display,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Args)]
pub(crate) struct Respond {
    /// The user's message; words are joined by spaces. Read from stdin if neither it nor --body is given
    pub(crate) prompt: Vec<String>,
    /// Instructions before the prompt
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// The model [default: OPENAI_MODEL, or gpt-6-luna]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// The request to start from; the prompt and options are added to it
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) body: Option<Source>,
    /// Run the response in background mode, so that it can be resumed when its stream breaks
    #[arg(long, conflicts_with = "no_stream")]
    pub(crate) background: bool,
    /// Stream the response with this ID, which was started earlier in background mode
    #[arg(
        long,
        value_name = "ID",
        value_parser = NonEmptyStringValueParser::new(),
        conflicts_with_all = ["prompt", "system", "model", "body", "background", "no_stream"],
    )]
    pub(crate) resume: Option<String>,
    /// Resume after the event with this number (sequence_number) [default: from the beginning]
    // clap drops a requirement that conflicts with what is given, so the conflicts are repeated.
    #[arg(
        long,
        value_name = "N",
        requires = "resume",
        conflicts_with_all = ["prompt", "system", "model", "body", "background", "no_stream"],
    )]
    pub(crate) after: Option<u64>,
    #[command(flatten)]
    pub(crate) whole: Whole,
    #[command(flatten)]
    pub(crate) display: Display,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Args)]
pub(crate) struct Other {
    /// The path below the base URL, such as /responses
    pub(crate) path: String,
    /// The request; "stream": true is added unless it has a `stream`
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) body: Source,
    /// Treat a response as complete when the server closes the connection, for servers without a last event
    #[arg(long)]
    pub(crate) ends_on_close: bool,
    #[command(flatten)]
    pub(crate) display: Display,
    #[command(flatten)]
    pub(crate) connection: Connection,
}
