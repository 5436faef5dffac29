//! `Arguments`: the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::output::Form;
use crate::source::Source;

const EXAMPLES: &str = "\
Examples:
  actorstream chat \"Tell me about quantum computing\"
  git diff | actorstream chat --system \"Write a commit message\" --model gpt-4o
  actorstream complete \"Once upon a time\" --base-url http://localhost:8000/v1 --model my-model
  actorstream respond \"Prove it\" --model gpt-5 --background
  actorstream respond --resume resp_123 --after 41
  actorstream image \"An otter in a hat\" --out otter.png
  actorstream transcribe talk.mp3
  actorstream speak \"Good morning\" --out morning.mp3
  actorstream stream /responses --body '{\"model\": \"gpt-5\", \"input\": \"Hello\"}' --jsonl
  actorstream serve --port 8080
  actorstream mock --port 8081

The environment sets what no option does: OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_ORGANIZATION,
OPENAI_PROJECT_ID. With neither a key nor a base URL a scripted server on this machine answers.

Exit status: 0 the answer is complete, 1 it is not, 2 wrong usage or configuration, 130 Ctrl-C.";

const JSONL: &str = "\
Lines of --jsonl:
  {\"data\": EVENT, \"raw\": PAYLOAD}                           for each event, then one of
  {\"finish\": {…}, \"response\": RESPONSE, \"timings\": {…}}
  {\"error\": {\"kind\": …, \"message\": …, …}, \"partial\": RESPONSE|null}";

/// Streams the OpenAI API, and every server that speaks it.
#[derive(Parser)]
#[command(name = "actorstream", version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Stream a chat completion (POST /chat/completions)
    #[command(after_help = JSONL)]
    Chat(Chat),
    /// Stream a text completion (POST /completions)
    #[command(after_help = JSONL)]
    Complete(Complete),
    /// Stream a response (POST /responses), or go on with one that runs in the background
    #[command(after_help = JSONL)]
    Respond(Respond),
    /// Draw an image, or change some, and write it to a file (POST /images/generations, /images/edits)
    #[command(after_help = JSONL)]
    Image(Image),
    /// Stream what is said in a recording (POST /audio/transcriptions)
    #[command(after_help = JSONL)]
    Transcribe(Transcribe),
    /// Say something, and write the sound to a file (POST /audio/speech)
    #[command(after_help = JSONL)]
    Speak(Speak),
    /// Stream any other endpoint, its events as they come
    #[command(after_help = JSONL)]
    Stream(Other),
    /// Serve a chat page, routes for useChat and an OpenAI-compatible relay that resumes, on this machine
    Serve(Serve),
    /// Serve scripted answers on this machine, to try things by hand
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
            Self::Stream(_) => "stream",
            Self::Serve(_) => "serve",
            Self::Mock(_) => "mock",
        }
    }

    /// The form of what the command prints.
    pub(crate) fn form(&self) -> Form {
        match self {
            Self::Chat(Chat { display, .. })
            | Self::Complete(Complete { display, .. })
            | Self::Respond(Respond { display, .. })
            | Self::Image(Image { display, .. })
            | Self::Transcribe(Transcribe { display, .. })
            | Self::Speak(Speak { display, .. })
            | Self::Stream(Other { display, .. }) => display.form(),
            Self::Serve(_) | Self::Mock(_) => Form::text(),
        }
    }
}

#[derive(Args)]
pub(crate) struct Chat {
    /// What the user says; read from stdin if neither it nor --body is given
    pub(crate) prompt: Option<String>,
    /// Instructions that come before the prompt
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    #[command(flatten)]
    pub(crate) generation: Generation,
    #[command(flatten)]
    pub(crate) display: Display,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Args)]
pub(crate) struct Complete {
    /// The text to go on with; read from stdin if neither it nor --body is given
    pub(crate) prompt: Option<String>,
    #[command(flatten)]
    pub(crate) generation: Generation,
    #[command(flatten)]
    pub(crate) display: Display,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Args)]
pub(crate) struct Respond {
    /// What the user says; read from stdin if neither it nor --body is given
    pub(crate) prompt: Option<String>,
    /// Instructions that come before the prompt
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// The model [default: gpt-4o-mini]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// The request to start from; prompt and options are put into it
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) body: Option<Source>,
    /// Have the response go on when its stream breaks, so that it can be resumed
    #[arg(long)]
    pub(crate) background: bool,
    /// Stream the response of this ID, which was begun before in the background
    #[arg(
        long,
        value_name = "ID",
        value_parser = NonEmptyStringValueParser::new(),
        conflicts_with_all = ["prompt", "system", "model", "body", "background"],
    )]
    pub(crate) resume: Option<String>,
    /// Resume after the event of this number (sequence_number) [default: from the beginning]
    // clap drops a requirement that conflicts with what is given, so the conflicts are repeated.
    #[arg(
        long,
        value_name = "N",
        requires = "resume",
        conflicts_with_all = ["prompt", "system", "model", "body", "background"],
    )]
    pub(crate) after: Option<u64>,
    #[command(flatten)]
    pub(crate) display: Display,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// What is asked for, besides the prompt.
#[derive(Args)]
pub(crate) struct Generation {
    /// The model [default: gpt-4o-mini for chat, gpt-3.5-turbo-instruct for complete]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Ask for the number of tokens
    #[arg(long)]
    pub(crate) usage: bool,
    /// The request to start from; prompt and options are put into it
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) body: Option<Source>,
}

#[derive(Args)]
pub(crate) struct Image {
    /// What is to be seen; read from stdin if neither it nor --body is given
    pub(crate) prompt: Option<String>,
    /// Where the image goes; the file is written whole, or not at all
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// An image to start from; may be repeated
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    pub(crate) edit: Vec<PathBuf>,
    /// The model [default: gpt-image-1]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Width and height, such as 1024x1024
    #[arg(long, value_name = "WxH")]
    pub(crate) size: Option<String>,
    /// How good the image is to be, such as low, medium or high
    #[arg(long)]
    pub(crate) quality: Option<String>,
    /// The encoding [default: the one that the extension of FILE names, or png]
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// Stream so many images on the way, from 0 to 3; --jsonl shows them
    #[arg(long, value_name = "N")]
    pub(crate) partial: Option<u32>,
    /// The request to start from; prompt and options are put into it
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) body: Option<Source>,
    #[command(flatten)]
    pub(crate) display: Display,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Args)]
pub(crate) struct Transcribe {
    /// The recording, which is read while it is sent
    pub(crate) file: PathBuf,
    /// The model [default: gpt-4o-mini-transcribe]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// The language that is spoken, such as en
    #[arg(long, value_name = "CODE")]
    pub(crate) language: Option<String>,
    /// What was said before, or how the text is to read
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: Option<String>,
    #[command(flatten)]
    pub(crate) display: Display,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Args)]
pub(crate) struct Speak {
    /// What is said; read from stdin if neither it nor --body is given
    pub(crate) text: Option<String>,
    /// Where the sound goes; the file is written whole, or not at all
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// The model [default: gpt-4o-mini-tts]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// The voice [default: alloy]
    #[arg(long)]
    pub(crate) voice: Option<String>,
    /// How it is said, in words
    #[arg(long, value_name = "TEXT")]
    pub(crate) instructions: Option<String>,
    /// The encoding [default: the one that the extension of FILE names, or mp3]
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// How the sound comes: in events, or alone, which all models and servers know
    #[arg(long, value_enum, default_value_t = StreamFormat::Sse)]
    pub(crate) stream_format: StreamFormat,
    /// The request to start from; text and options are put into it
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) body: Option<Source>,
    #[command(flatten)]
    pub(crate) display: Display,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// How speech is streamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StreamFormat {
    /// In events
    Sse,
    /// The sound alone
    Audio,
}

#[derive(Args)]
pub(crate) struct Other {
    /// The path below the base URL, such as /responses
    pub(crate) path: String,
    /// The request; "stream": true is added unless it holds a `stream`
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) body: Source,
    #[command(flatten)]
    pub(crate) display: Display,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// How the answer is printed.
#[derive(Args)]
pub(crate) struct Display {
    /// Print events and the end as JSON, one object a line
    #[arg(long)]
    pub(crate) jsonl: bool,
    /// Sleep so many milliseconds over each event, to see the server being held back
    #[arg(long, value_name = "MS", default_value_t = 0, hide_default_value = true)]
    pub(crate) slow: u64,
}

impl Display {
    /// The form of what is printed.
    pub(crate) fn form(&self) -> Form {
        if self.jsonl { Form::Json } else { Form::text() }
    }
}

/// Whom to ask, and how long to wait. It holds keys, and so has no `Debug`.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// The API's address, such as http://localhost:8000/v1
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// The key; better set OPENAI_API_KEY, since others can see a command line
    #[arg(long, value_name = "KEY")]
    pub(crate) api_key: Option<String>,
    /// The organization (OpenAI-Organization)
    #[arg(long, value_name = "ID")]
    pub(crate) organization: Option<String>,
    /// The project (OpenAI-Project)
    #[arg(long, value_name = "ID")]
    pub(crate) project: Option<String>,
    /// A header of the request; may be repeated
    #[arg(long = "header", value_name = "K: V")]
    pub(crate) headers: Vec<String>,
    /// Trust the certificates in this PEM file too
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_certificate: Option<PathBuf>,
    /// How often a request that is safe to repeat is sent again; with 0 no broken stream is resumed either [default: 2]
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,
    #[command(flatten)]
    pub(crate) timeouts: Timeouts,
}

#[derive(Args)]
#[command(next_help_heading = "Timeouts, in seconds (0: none)")]
pub(crate) struct Timeouts {
    /// Until there is a connection [default: 10]
    #[arg(long = "connect-timeout", value_name = "S", value_parser = timeout)]
    pub(crate) connect: Option<Duration>,
    /// From the request to the first event [default: 600]
    #[arg(long = "first-event-timeout", value_name = "S", value_parser = timeout)]
    pub(crate) first_event: Option<Duration>,
    /// Without a byte from the server [default: 120]
    #[arg(long = "idle-timeout", value_name = "S", value_parser = timeout)]
    pub(crate) idle: Option<Duration>,
    /// Between two events [default: 300]
    #[arg(long = "stall-timeout", value_name = "S", value_parser = timeout)]
    pub(crate) stall: Option<Duration>,
    /// For everything together [default: 3600]
    #[arg(long = "total-timeout", value_name = "S", value_parser = timeout)]
    pub(crate) total: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct Serve {
    /// The address to listen on; whoever is not on this machine is refused all the same
    #[arg(long, value_name = "H", default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// The port to listen on; 0 for any that is free
    #[arg(long, value_name = "N", default_value_t = 8080)]
    pub(crate) port: u16,
    /// The model of the chat page [default: gpt-4o-mini]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// The endpoint that the chat page's answers come from
    #[arg(long, value_enum, default_value_t = Endpoint::Chat)]
    pub(crate) endpoint: Endpoint,
    /// When nobody watches an answer any more: let it go on, or stop it after so many seconds
    #[arg(long, value_name = "continue|SECONDS", value_parser = last_viewer, default_value = "continue")]
    pub(crate) on_last_viewer: LastViewer,
    /// Share the answers with other instances over this Redis, such as redis://user:password@host:6379/0; if nothing
    /// answers there, they are kept in this process alone
    #[arg(long, value_name = "URL")]
    pub(crate) redis: Option<String>,
    /// How long an instance is taken to live without a word to Redis [default: 15]
    #[arg(long, value_name = "SECONDS", value_parser = timeout, requires = "redis")]
    pub(crate) lease: Option<Duration>,
    /// What happens to an answer whose instance is gone [default: resume]
    #[arg(long, value_enum, requires = "redis")]
    pub(crate) takeover: Option<WhenGone>,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// What happens to an answer whose instance is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhenGone {
    /// Another one goes on with it where that is exact (responses in the background); else it fails
    Resume,
    /// The same, and what cannot go on begins again
    Restart,
    /// It fails
    Fail,
}

/// The endpoint that the chat page's answers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Endpoint {
    /// POST /chat/completions
    Chat,
    /// POST /responses
    Responses,
}

/// What happens when nobody watches an answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastViewer {
    /// It goes on.
    Continue,
    /// It is stopped after so long.
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
pub(crate) struct Mock {
    /// The port to listen on [default: any that is free]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// What to answer: a recorded response, or one step a line, such as {"event": {…}}, {"wait_ms": 50}, {"done": true}
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
}

fn timeout(seconds: &str) -> Result<Duration, String> {
    let seconds: f64 =
        seconds.parse().map_err(|_| "it must be a number of seconds, such as 2.5".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from([&["actorstream"], line].concat())
    }

    #[test]
    fn the_definition_is_sound() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn timeouts_are_seconds_and_fractions_of_them() {
        assert_eq!(timeout("2.5"), Ok(Duration::from_millis(2500)));
        assert_eq!(timeout("0"), Ok(Duration::ZERO));
        for wrong in ["-1", "soon", "nan", "1e300", ""] {
            assert!(timeout(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_usage() {
        for wrong in [
            &["stream", "/responses"] as &[_],
            &["stream", "--body", "{}"],
            &["complete", "x", "--system", "y"],
            &["chat", "x", "--idle-timeout", "soon"],
            &["chat", "x", "--retries", "-1"],
            &["respond", "x", "--usage"],
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
            &["serve", "--endpoint", "images"],
            &["serve", "--on-last-viewer", "never"],
            &["serve", "--lease", "5"],
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
        assert_eq!(chat.generation.body, Some(Source::Stdin));
    }
}
