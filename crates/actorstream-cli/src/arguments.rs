//! `Arguments`: the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use actorstream_web::access::{AllowedHost, AllowedOrigin};
use clap::{Args, Parser, Subcommand, ValueEnum};

mod connection;
mod display;
mod media;
mod probe;
mod text;

use self::connection::timeout;
pub(crate) use self::connection::{Connection, Sizes, TimeoutOptions};
pub(crate) use self::display::Display;
pub(crate) use self::media::{Image, Speak, StreamFormat, Transcribe};
pub(crate) use self::probe::Probe;
pub(crate) use self::text::{Chat, Complete, Other, Respond};
use crate::output::{Form, Style};

const EXAMPLES: &str = "\
Examples:
  actorstream chat \"Tell me about quantum computing\"
  git diff | actorstream chat --system \"Write a commit message\" --model gpt-6-luna
  actorstream complete \"Once upon a time\" --base-url http://localhost:8000/v1 --model my-model
  actorstream respond \"Prove it\" --model gpt-6-luna --background
  actorstream respond --resume resp_123 --after 41
  actorstream image \"An otter in a hat\" --out otter.png
  actorstream transcribe talk.mp3
  actorstream speak \"Good morning\" --out morning.mp3
  actorstream models
  actorstream stream /responses --body '{\"model\": \"gpt-6-luna\", \"input\": \"Hello\"}' --jsonl
  actorstream serve --port 8080
  actorstream record --out exchanges chat Hello
  actorstream probe http://localhost:8000/v1 --out report.html
  actorstream mock --port 8081 --script exchanges

The environment sets what no option does: OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_ORGANIZATION,
OPENAI_PROJECT_ID; OPENAI_MODEL for texts; ACTORSTREAM_TOKEN for serve. RUST_LOG=debug logs
what happens to stderr (serve: stdout). With neither a key nor a base URL a scripted server on this machine answers.

Exit status: 0 the answer is complete; 1 it is not, an error says why; 2 wrong usage or configuration; 3 the
server ended it early: its tokens ran out (length), a filter stopped it (content_filter), or it is incomplete;
130 Ctrl-C.

What a server sends reaches a terminal without control characters. To a pipe or a file it goes to the letter.";

const LINES: &str = "\
Lines of --jsonl:
  {\"data\": EVENT, \"raw\": PAYLOAD}                           for each event, then one of
  {\"finish\": {…}, \"response\": RESPONSE, \"timings\": {…}}
  {\"error\": {\"kind\": …, \"message\": …, …}, \"partial\": RESPONSE|null}

Exit status: 0 complete, 1 failed, 2 wrong usage or configuration, 3 ended early (length, content_filter,
incomplete), 130 Ctrl-C.";

const NAMED_LINES: &str = "\
Lines of --jsonl:
  {\"event\": NAME|null, \"data\": EVENT, \"raw\": PAYLOAD}      for each event, then one of
  {\"finish\": {…}, \"response\": null, \"timings\": {…}}
  {\"error\": {\"kind\": …, \"message\": …, …}, \"partial\": null}

Exit status: 0 complete, 1 failed, 2 wrong usage or configuration, 3 ended early (length, content_filter,
incomplete), 130 Ctrl-C.";

/// Streams responses from the OpenAI API, and from every server that speaks it.
#[derive(Parser)]
#[command(name = "actorstream", version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Stream a chat completion (POST /chat/completions)
    #[command(after_help = LINES)]
    Chat(Chat),
    /// Stream a text completion (POST /completions)
    #[command(after_help = LINES)]
    Complete(Complete),
    /// Stream a response (POST /responses), or resume one in background mode
    #[command(after_help = LINES)]
    Respond(Respond),
    /// Generate or edit an image, and write it to a file (POST /images/generations, /images/edits)
    #[command(after_help = LINES)]
    Image(Image),
    /// Stream the transcription of a recording (POST /audio/transcriptions)
    #[command(after_help = LINES)]
    Transcribe(Transcribe),
    /// Convert text to speech, and write the audio to a file (POST /audio/speech)
    #[command(after_help = LINES)]
    Speak(Speak),
    /// List the models of the server, with their shutdown dates (GET /models)
    Models(Models),
    /// Stream any other endpoint, printing its raw events
    #[command(after_help = NAMED_LINES)]
    Stream(Other),
    /// Serve a chat page, routes for useChat and an OpenAI-compatible relay that resumes, on this machine
    Serve(Serve),
    /// Run another command, and record its exchanges with the server, without keys, as files that `mock` plays
    Record(Record),
    /// Test how a server keeps to the API, which dialect it speaks and how fast it is, with a few small requests
    #[command(after_help = probe::EXIT)]
    Probe(Probe),
    /// Serve scripted responses on this machine, for manual experiments
    Mock(Mock),
}

impl Command {
    /// The command's name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Chat(_) => "chat",
            Self::Complete(_) => "complete",
            Self::Respond(_) => "respond",
            Self::Image(_) => "image",
            Self::Transcribe(_) => "transcribe",
            Self::Speak(_) => "speak",
            Self::Models(_) => "models",
            Self::Stream(_) => "stream",
            Self::Serve(_) => "serve",
            Self::Record(_) => "record",
            Self::Probe(_) => "probe",
            Self::Mock(_) => "mock",
        }
    }

    /// The server that the command calls, if it calls one.
    pub(crate) fn connection_mut(&mut self) -> Option<&mut Connection> {
        match self {
            Self::Chat(Chat { connection, .. })
            | Self::Complete(Complete { connection, .. })
            | Self::Respond(Respond { connection, .. })
            | Self::Image(Image { connection, .. })
            | Self::Transcribe(Transcribe { connection, .. })
            | Self::Speak(Speak { connection, .. })
            | Self::Models(Models { connection, .. })
            | Self::Stream(Other { connection, .. })
            | Self::Probe(Probe { connection, .. })
            | Self::Serve(Serve { connection, .. }) => Some(connection),
            Self::Record(_) | Self::Mock(_) => None,
        }
    }

    /// What the command prints, and in which format.
    pub(crate) fn style(&self) -> Style {
        let whole = match self {
            Self::Chat(Chat { whole, .. })
            | Self::Complete(Complete { whole, .. })
            | Self::Respond(Respond { whole, .. })
            | Self::Image(Image { whole, .. })
            | Self::Transcribe(Transcribe { whole, .. }) => whole.no_stream,
            Self::Speak(_)
            | Self::Models(_)
            | Self::Stream(_)
            | Self::Serve(_)
            | Self::Record(_)
            | Self::Probe(_)
            | Self::Mock(_) => false,
        };
        let display = match self {
            Self::Chat(Chat { display, .. })
            | Self::Complete(Complete { display, .. })
            | Self::Respond(Respond { display, .. })
            | Self::Image(Image { display, .. })
            | Self::Transcribe(Transcribe { display, .. })
            | Self::Speak(Speak { display, .. })
            | Self::Stream(Other { display, .. }) => Some(display),
            Self::Models(_) | Self::Serve(_) | Self::Record(_) | Self::Probe(_) | Self::Mock(_) => None,
        };
        Style {
            form: display.map_or_else(Form::text, Display::form),
            usage: display.is_some_and(|display| display.usage),
            command: self.name(),
            streamed: !whole,
        }
    }
}

#[derive(Args)]
pub(crate) struct Models {
    /// Print each model as JSON, one object a line
    #[arg(long)]
    pub(crate) jsonl: bool,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Args)]
pub(crate) struct Serve {
    /// The address to listen on; one that other machines can reach, such as 0.0.0.0, requires a --token
    #[arg(long, value_name = "H", default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// The port to listen on; 0 for a free one
    #[arg(long, value_name = "N", default_value_t = 8080)]
    pub(crate) port: u16,
    /// Accept only requests with this token (Authorization: Bearer …), from any machine; prefer ACTORSTREAM_TOKEN, since
    /// other users can see a command line
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// Also accept this host, such as chat.example.com; may be repeated [default: this machine's names, and the address
    /// that it listens on]
    #[arg(long = "allow-host", value_name = "HOST")]
    pub(crate) allowed_hosts: Vec<AllowedHost>,
    /// Accept requests from pages of this origin, such as `https://app.example.com`; may be repeated [default: the server's
    /// own page]
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    pub(crate) allowed_origins: Vec<AllowedOrigin>,
    /// The model of the chat page [default: OPENAI_MODEL, or gpt-6-luna]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// The endpoint for the chat page
    #[arg(long, value_enum, default_value_t = Endpoint::Chat)]
    pub(crate) endpoint: Endpoint,
    /// When a response has no viewers left: let it continue, or stop it after this many seconds
    #[arg(long, value_name = "continue|SECONDS", value_parser = last_viewer, default_value = "continue")]
    pub(crate) on_last_viewer: LastViewer,
    /// Share responses with other instances through this Redis, such as redis://user:password@host:6379/0
    #[arg(long, value_name = "URL")]
    pub(crate) redis: Option<String>,
    /// If the Redis at --redis is unreachable at the start, keep responses in this process only
    #[arg(long, requires = "redis")]
    pub(crate) redis_optional: bool,
    /// How many seconds an instance counts as alive without contacting Redis [default: 15]
    #[arg(long, value_name = "SECONDS", value_parser = timeout, requires = "redis")]
    pub(crate) lease: Option<Duration>,
    /// What happens to a response whose instance is gone [default: resume]
    #[arg(long, value_enum, requires = "redis")]
    pub(crate) takeover: Option<WhenGone>,
    /// Write a log line for each request and other events to stdout; RUST_LOG sets the level, such as info or
    /// actorstream_web=debug [default: only warnings, as text]
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) log: Option<LogForm>,
    /// Serve the metrics of upstream calls at /metrics, in the text format of Prometheus
    #[arg(long)]
    pub(crate) metrics: bool,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogForm {
    /// Lines for people
    Text,
    /// One JSON object per line
    Json,
}

/// What happens to a response whose instance is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhenGone {
    /// Another instance resumes it if that is lossless (responses in background mode); otherwise it fails
    Resume,
    /// The same, but a response that cannot be resumed is generated again
    Restart,
    /// It fails
    Fail,
}

/// The endpoint for the chat page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Endpoint {
    /// POST /chat/completions
    Chat,
    /// POST /responses
    Responses,
}

/// What happens when a response has no viewers left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastViewer {
    /// It continues.
    Continue,
    /// It is stopped after this time.
    CancelAfter(Duration),
}

fn last_viewer(text: &str) -> Result<LastViewer, String> {
    if text == "continue" {
        return Ok(LastViewer::Continue);
    }
    timeout(text)
        .map(LastViewer::CancelAfter)
        .map_err(|_| "it must be `continue` or a number of seconds, such as 30".to_owned())
}

#[derive(Args)]
pub(crate) struct Record {
    /// The folder for the files, which is created: NUMBER-PATH.http for each response, and NUMBER-PATH.request.txt for each request
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The command with its options, such as: chat Hello. With `serve`, programs that use its /v1 are recorded
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Args)]
pub(crate) struct Mock {
    /// The port to listen on [default: a free one]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// The reply: a recorded response, or one step per line, such as {"event": {…}}, {"wait_ms": 50}, {"done": true}. The
    /// .http files of a folder answer one request each, in the order of their names, the last one all that follow
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) script: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn parse(line: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from([&["actorstream"], line].concat())
    }

    #[test]
    fn the_definition_is_sound() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn hollow_and_malformed_usage_is_none() {
        for wrong in [
            &["stream", "/responses"] as &[_],
            &["stream", "--body", "{}"],
            &["complete", "x", "--system", "y"],
            &["chat", "x", "--idle-timeout", "soon"],
            &["chat", "x", "--retries", "-1"],
            &["respond", "x", "--no-stream", "--background"],
            &["respond", "--resume", "r", "--no-stream"],
            &["chat", "x", "--max-event", "0"],
            &["image", "x", "--out", "f", "--partial", "1", "--no-stream"],
            &["respond", "x", "--resume", "r"],
            &["respond", "--resume", "r", "--system", "x"],
            &["respond", "--resume", "r", "--model", "m"],
            &["respond", "--resume", "r", "--body", "{}"],
            &["respond", "--resume", "r", "--background"],
            &["respond", "--resume", "r", "--after", "-1"],
            &["respond", "--resume", ""],
            &["respond", "x", "--after", "1"],
            &["respond", "--after", "1"],
            &["image", "x"],
            &["image", "x", "--out", "f", "--edit", "a.png", "--body", "{}"],
            &["transcribe"],
            &["speak", "x"],
            &["speak", "x", "--out", "f", "--stream-format", "x"],
            &["mock", "--port", "70000"],
            &["record", "chat", "x"],
            &["record", "--out", "d"],
            &["serve", "--endpoint", "images"],
            &["serve", "--allow-host", "http://chat.example.com"],
            &["serve", "--allow-origin", "*"],
            &["serve", "--on-last-viewer", "never"],
            &["serve", "--lease", "5"],
            &["serve", "--redis-optional"],
            &["serve", "--log", "xml"],
            &["serve", "--redis", "redis://localhost", "--takeover", "never"],
            &[],
        ] {
            let Some(error) = parse(wrong).err() else { panic!("{wrong:?}") };
            assert_eq!(error.exit_code(), 2, "{wrong:?}");
        }
    }

    #[test]
    fn when_the_last_viewer_leaves() {
        assert_eq!(last_viewer("continue"), Ok(LastViewer::Continue));
        assert_eq!(last_viewer("1.5"), Ok(LastViewer::CancelAfter(Duration::from_millis(1500))));
        assert!(last_viewer("soon").unwrap_err().contains("continue"));
    }

    #[test]
    fn a_body_may_be_a_hyphen() {
        let arguments = parse(&["chat", "--body", "-"]).ok().unwrap();
        let Command::Chat(chat) = arguments.command else { panic!() };
        assert_eq!(chat.body, Some(Source::Stdin));
    }
}
