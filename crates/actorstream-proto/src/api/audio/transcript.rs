//! `Transcript`: a transcription in whatever form it was asked for.

use serde_json::Number;

use super::generated::{
    TranscriptTextSegmentEvent, TranscriptionLanguage, TranscriptionLogProb, TranscriptionSegment,
    TranscriptionUsage, TranscriptionWord,
};
use crate::json::decode_error::DecodeError;
use crate::json::lenient;
use crate::json::whole::fields;
use crate::session::page::is_page;

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

crate::json::union::union! {
    /// A piece of a transcription.
    pub enum TranscriptSegment by "type" {
        /// A segment with its speaker, in the format `diarized_json`.
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
        // No text of a transcription begins so, unless its content type says so: it is JSON, or JSON that was cut.
        let json = lenient::parse::<Transcript>(&bytes::Bytes::copy_from_slice(body));
        let json = json.map_err(|error| DecodeError(format!("the answer is not JSON ({})", error.0)))?;
        let says = |name| fields(body).is_none_or(|fields| fields.contains_key(name));
        return match json.filter(|_| ["text", "segments", "words"].into_iter().any(says)) {
            Some(transcript) => Ok(transcript),
            None => Err(DecodeError("the answer is no transcription: it has no `text`".into())),
        };
    }
    if is_page(body) {
        return Err(DecodeError("a transcription is text, and this is a page".into()));
    }
    text(body)
}

/// Reads a transcription in one of the forms that are text, whatever it looks like.
pub(super) fn text(body: &[u8]) -> Result<Transcript, DecodeError> {
    let text = std::str::from_utf8(body)
        .map_err(|error| DecodeError(format!("the transcription is not UTF-8 ({error})")))?;
    Ok(Transcript { text: text.to_owned(), ..Transcript::default() })
}
