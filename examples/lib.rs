//! Helper of the examples: a client for the available server.

use actorstream::{OpenAi, OpenAiBuilder, StreamError};
use actorstream_test::Upstream;

/// Creates the client from the environment (`OPENAI_API_KEY`, `OPENAI_BASE_URL`); without either, one of a scripted
/// upstream on this machine, which lives as long as the second value.
///
/// # Errors
/// If a value in the environment is invalid.
pub fn client() -> Result<(OpenAi, Option<Upstream>), StreamError> {
    let builder = OpenAiBuilder::from_env();
    if builder.names_a_server() {
        return Ok((builder.build()?, None));
    }
    eprintln!("no OPENAI_API_KEY and no OPENAI_BASE_URL: talking to a scripted upstream on this machine");
    let upstream = Upstream::start(actorstream_test::story());
    Ok((builder.base_url(upstream.base_url()).build()?, Some(upstream)))
}
