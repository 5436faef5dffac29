//! `Transcript`: a transcription in any response format.

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
    /// A transcription in any response format. A field that the format does not have is `None`.
    pub struct Transcript {
        /// `transcribe`.
        pub task: Option<String>,
        /// The spoken language.
        pub language: Option<String>,
        /// The duration of the audio, in seconds.
        pub duration: Option<Number>,
        /// The text. For the formats `text`, `srt` and `vtt`, the response verbatim.
        pub text: String,
        /// The words, with their times.
        pub words: Option<Vec<TranscriptionWord>>,
        /// The segments, with their times or their speakers.
        pub segments: Option<Vec<TranscriptSegment>>,
        /// The detected languages.
        pub languages: Option<Vec<TranscriptionLanguage>>,
        /// The log probabilities of the tokens, if requested.
        pub logprobs: Option<Vec<TranscriptionLogProb>>,
        /// The usage.
        pub usage: Option<TranscriptionUsage>,
    }
}

crate::json::union::union! {
    /// A segment of a transcription.
    pub enum TranscriptSegment by "type" {
        /// A segment with its speaker, in the format `diarized_json`.
        Diarized(Box<TranscriptTextSegmentEvent>) = "transcript.text.segment",
        /// A segment in the format `verbose_json`.
        Verbose(Box<TranscriptionSegment>),
    }
}

impl TranscriptSegment {
    /// Returns the text of the segment.
    pub fn text(&self) -> &str {
        match self {
            Self::Diarized(segment) => &segment.text,
            Self::Verbose(segment) => &segment.text,
            Self::Unknown(_) => "",
        }
    }

    /// Returns the speaker, if known.
    pub fn speaker(&self) -> Option<&str> {
        match self {
            Self::Diarized(segment) => Some(&segment.speaker),
            Self::Verbose(_) | Self::Unknown(_) => None,
        }
    }

    /// Returns the start and the end of the segment, in seconds.
    pub fn span(&self) -> Option<(f64, f64)> {
        let (start, end) = match self {
            Self::Diarized(segment) => (&segment.start, &segment.end),
            Self::Verbose(segment) => (&segment.start, &segment.end),
            Self::Unknown(_) => return None,
        };
        Some((start.as_ref()?.as_f64()?, end.as_ref()?.as_f64()?))
    }
}

/// Reads an unstreamed transcription: JSON, or text.
pub(super) fn whole(body: &[u8]) -> Result<Transcript, DecodeError> {
    if body.trim_ascii_start().starts_with(b"{") {
        // Unless the content type is plain text, a body that starts with a brace is JSON, possibly truncated.
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

/// Reads a transcription in a text format, whatever its content.
pub(super) fn text(body: &[u8]) -> Result<Transcript, DecodeError> {
    let text = std::str::from_utf8(body)
        .map_err(|error| DecodeError(format!("the transcription is not UTF-8 ({error})")))?;
    Ok(Transcript { text: text.to_owned(), ..Transcript::default() })
}
