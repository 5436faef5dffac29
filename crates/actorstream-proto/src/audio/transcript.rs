//! `Transcript`: a transcription in whatever form it was asked for.

use serde_json::Number;

use super::generated::{
    TranscriptTextSegmentEvent, TranscriptionLanguage, TranscriptionLogProb, TranscriptionSegment,
    TranscriptionUsage, TranscriptionWord,
};
use super::speech::is_html;
use crate::event::DecodeError;
use crate::lenient;

crate::object! {
    /// A transcription, in whatever form it was asked for: a field that the form does not have is `None`.
    pub struct Transcript {
        /// `transcribe`.
        pub task: Option<String>,
        /// The language that is spoken.
        pub language: Option<String>,
        /// How long the sound is, in seconds.
        pub duration: Option<Number>,
        /// The text. For the forms `text`, `srt` and `vtt`, the answer to the letter.
        pub text: String,
        /// The words, with their times.
        pub words: Option<Vec<TranscriptionWord>>,
        /// The pieces, with their times or their speakers.
        pub segments: Option<Vec<TranscriptSegment>>,
        /// The languages.
        pub languages: Option<Vec<TranscriptionLanguage>>,
        /// The probabilities of the tokens, if asked for.
        pub logprobs: Option<Vec<TranscriptionLogProb>>,
        /// What it took.
        pub usage: Option<TranscriptionUsage>,
    }
}

crate::union::union! {
    /// A piece of a transcription.
    pub enum TranscriptSegment by "type" {
        /// One that tells the speaker, of the form `diarized_json`.
        Diarized(Box<TranscriptTextSegmentEvent>) = "transcript.text.segment",
        /// One of the form `verbose_json`.
        Verbose(Box<TranscriptionSegment>),
    }
}

impl TranscriptSegment {
    /// The text of the piece.
    pub fn text(&self) -> &str {
        match self {
            Self::Diarized(segment) => &segment.text,
            Self::Verbose(segment) => &segment.text,
            Self::Unknown(_) => "",
        }
    }

    /// Who speaks, if that is known.
    pub fn speaker(&self) -> Option<&str> {
        match self {
            Self::Diarized(segment) => Some(&segment.speaker),
            Self::Verbose(_) | Self::Unknown(_) => None,
        }
    }

    /// Where the piece begins and where it ends, in seconds.
    pub fn span(&self) -> Option<(f64, f64)> {
        let (start, end) = match self {
            Self::Diarized(segment) => (&segment.start, &segment.end),
            Self::Verbose(segment) => (&segment.start, &segment.end),
            Self::Unknown(_) => return None,
        };
        Some((start.as_ref()?.as_f64()?, end.as_ref()?.as_f64()?))
    }
}

/// Reads a transcription that is not streamed: JSON, or text in one of the forms that are none.
pub(super) fn whole(body: &[u8]) -> Result<Transcript, DecodeError> {
    if body.trim_ascii_start().starts_with(b"{") {
        // No text of a transcription begins so: it is JSON, or JSON that was cut.
        return lenient::parse(&bytes::Bytes::copy_from_slice(body))?
            .ok_or_else(|| DecodeError("a transcription in JSON is an object".into()));
    }
    if is_html(body) {
        return Err(DecodeError("a transcription is text, and this is a page".into()));
    }
    let text = std::str::from_utf8(body).map_err(|error| DecodeError(error.to_string()))?;
    Ok(Transcript { text: text.to_owned(), ..Transcript::default() })
}
