//! What the examples share: a client for whatever there is to talk to.

use actorstream::{OpenAi, OpenAiBuilder, StreamError};
use actorstream_test::Upstream;

/// The client that the environment sets up (`OPENAI_API_KEY`, `OPENAI_BASE_URL`); without either, one of a scripted
/// upstream on this machine, which lives as long as the second value does.
///
/// # Errors
/// When the environment holds what cannot be used.
pub fn client() -> Result<(OpenAi, Option<Upstream>), StreamError> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_set("OPENAI_API_KEY") || is_set("OPENAI_BASE_URL") {
        return Ok((OpenAi::from_env()?, None));
    }
    eprintln!("no OPENAI_API_KEY and no OPENAI_BASE_URL: talking to a scripted upstream on this machine");
    let upstream = Upstream::start(actorstream_test::story());
    let openai = OpenAiBuilder::from_env().base_url(upstream.base_url()).build()?;
    Ok((openai, Some(upstream)))
}
