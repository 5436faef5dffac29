//! How the response is requested, and how it is printed.

use clap::Args;

use crate::output::Form;

/// Whether the response is streamed.
#[derive(Args)]
pub(crate) struct Whole {
    /// Request the whole response at once, for a model or a server that does not stream
    #[arg(long)]
    pub(crate) no_stream: bool,
}

/// How the response is printed.
#[derive(Args)]
pub(crate) struct Display {
    /// Print events and the end as JSON, one object per line
    #[arg(long)]
    pub(crate) jsonl: bool,
    /// Print the token counts and the time on stderr, even if stdout is not a terminal; chats and completions request them
    #[arg(long)]
    pub(crate) usage: bool,
    /// Sleep this many milliseconds on each event, to observe backpressure
    #[arg(long, value_name = "MS", default_value_t = 0, hide_default_value = true)]
    pub(crate) slow: u64,
}

impl Display {
    /// The output format.
    pub(crate) fn form(&self) -> Form {
        if self.jsonl { Form::Json } else { Form::text() }
    }
}
