//! The arguments for images and audio.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::connection::Connection;
use super::display::{Display, Whole};
use crate::source::Source;

#[derive(Args)]
pub(crate) struct Image {
    /// A description of the image; words are joined by spaces. Read from stdin if neither it nor --body is given
    pub(crate) prompt: Vec<String>,
    /// The output file for the image; it is written completely or not at all
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// An image to start from; may be repeated
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    pub(crate) edit: Vec<PathBuf>,
    /// The model [default: gpt-image-2.6-flare]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Width and height, such as 1024x1024
    #[arg(long, value_name = "WxH")]
    pub(crate) size: Option<String>,
    /// Image quality, such as low, medium or high
    #[arg(long)]
    pub(crate) quality: Option<String>,
    /// The encoding [default: that of --body, or of the extension of FILE, or png]
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// Stream this many previews, from 0 to 3; --jsonl shows them
    #[arg(long, value_name = "N", conflicts_with = "no_stream")]
    pub(crate) partial: Option<u32>,
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
pub(crate) struct Transcribe {
    /// The recording, which is read while it is sent
    pub(crate) file: PathBuf,
    /// The model [default: gpt-transcribe]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// The spoken language, such as en
    #[arg(long, value_name = "CODE")]
    pub(crate) language: Option<String>,
    /// The preceding text, or the style of the transcription
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: Option<String>,
    #[command(flatten)]
    pub(crate) whole: Whole,
    #[command(flatten)]
    pub(crate) display: Display,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Args)]
pub(crate) struct Speak {
    /// The text to speak; words are joined by spaces. Read from stdin if neither it nor --body is given
    pub(crate) text: Vec<String>,
    /// The output file for the audio; it is written completely or not at all
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// The model [default: gpt-4o-mini-tts]
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// The voice [default: alloy]
    #[arg(long)]
    pub(crate) voice: Option<String>,
    /// Instructions for the voice, such as its tone
    #[arg(long, value_name = "TEXT")]
    pub(crate) instructions: Option<String>,
    /// The encoding [default: that of --body, or of the extension of FILE, or mp3]
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// How the audio is streamed: in events, or alone, which every model and server supports
    #[arg(long, value_enum, default_value_t = StreamFormat::Sse)]
    pub(crate) stream_format: StreamFormat,
    /// The request to start from; the text and options are added to it
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
    /// The audio alone
    Audio,
}
