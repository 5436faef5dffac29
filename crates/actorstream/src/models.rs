//! Names of models that the OpenAI API serves, used in defaults, examples and the documentation.
//!
//! The API shuts models down, and announces the date in `shutdown_date` of `GET /models`. These names follow the API
//! and may change in any release, so programs should use model names of their own.

/// Answers chats and responses. No shutdown date is announced.
pub const CHAT: &str = "gpt-6-luna";

/// Completes texts. No model of the chat API serves `POST /completions`.
pub const COMPLETION: &str = "gpt-3.5-turbo-instruct";

/// Generates and edits images. No shutdown date is announced.
pub const IMAGE: &str = "gpt-image-2.6-flare";

/// Transcribes recordings. No shutdown date is announced.
pub const TRANSCRIPTION: &str = "gpt-transcribe";

/// Synthesizes speech. Shut down on 2027-01-06; the API has announced no successor.
pub const SPEECH: &str = "gpt-4o-mini-tts";

/// Embeds texts. No shutdown date is announced.
pub const EMBEDDING: &str = "text-embedding-3-small";
