//! `OpenAi`: the client.

mod backend;
mod builder;
mod call;
mod whole;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actorstream_proto::api::audio::{Speech, SpeechAudio, Transcriptions};
use actorstream_proto::api::chat::Chat;
use actorstream_proto::api::completions::Completions;
use actorstream_proto::api::embeddings::Embeddings;
use actorstream_proto::api::files::Files;
use actorstream_proto::api::images::{ImageEdits, Images};
use actorstream_proto::api::models::Models;
use actorstream_proto::api::moderations::Moderations;
use actorstream_proto::api::responses::{InputTokens, Responses};
use actorstream_proto::endpoint::Endpoint;
use actorstream_proto::outcome::error::StreamError;
use futures_util::future::select;
use tokio::sync::oneshot;

use crate::connector::shared::Shared;
pub use backend::Backend;
pub use builder::OpenAiBuilder;
pub use call::Call;

/// A client of the OpenAI API, or of a server that speaks it.
///
/// This is a handle: cloning it is cheap, all clones share their settings, and it can be used from any thread, for
/// example as `web::Data`. Connections are kept per thread. Dropping the client does not stop running streams.
#[derive(Debug, Clone)]
pub struct OpenAi {
    pub(crate) inner: Arc<Shared>,
}

impl OpenAi {
    /// Creates a client from the environment:
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `OPENAI_API_KEY` | the key; required unless a base URL is set |
    /// | `OPENAI_BASE_URL`, `OPENAI_API_URL`, `OPENAI_API_BASE` | the base URL |
    /// | `OPENAI_ORGANIZATION`, `OPENAI_ORG_ID`, `OPENAI_ORGANIZATION_KEY` | the organization |
    /// | `OPENAI_PROJECT_ID` | the project |
    /// | `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` | the proxy for `https` URLs, for `http` URLs, and for both |
    /// | `NO_PROXY` | hosts to reach directly; see [`no_proxy`](OpenAiBuilder::no_proxy) |
    ///
    /// The proxy variables may be in lower case, which takes precedence. `HTTP_PROXY` is ignored if `REQUEST_METHOD`
    /// is set: in a CGI program, it is a header set by the client. The local machine (`localhost`, 127.0.0.0/8, ::1)
    /// is reached without the environment's proxies.
    ///
    /// Where several names are listed, the first one that is set applies. An empty variable counts as unset.
    ///
    /// # Errors
    /// `Config`, if neither a key nor a base URL is set, or a value is invalid.
    pub fn from_env() -> Result<Self, StreamError> {
        let builder = OpenAiBuilder::from_env();
        if !builder.names_a_server() {
            return Err(StreamError::config(
                "no API key: set OPENAI_API_KEY (and, for another server than OpenAI's, OPENAI_BASE_URL)",
            ));
        }
        builder.build()
    }

    /// Returns a builder with the default settings.
    pub fn builder() -> OpenAiBuilder {
        OpenAiBuilder::default()
    }

    /// Calls `POST /chat/completions`.
    pub fn chat(&self) -> Call<Chat> {
        self.endpoint(Chat)
    }

    /// Calls `POST /completions`.
    pub fn completions(&self) -> Call<Completions> {
        self.endpoint(Completions)
    }

    /// Calls `POST /responses`. The stream of a response in background mode is resumed automatically when it breaks;
    /// see also [`resume`](Call::resume).
    pub fn responses(&self) -> Call<Responses> {
        self.endpoint(Responses)
    }

    /// Calls `POST /images/generations`. The stream finishes when as many images as were requested are complete.
    pub fn images(&self) -> Call<Images> {
        self.endpoint(Images)
    }

    /// Calls `POST /images/edits`; otherwise like [`images`](Self::images).
    pub fn image_edits(&self) -> Call<ImageEdits> {
        self.endpoint(ImageEdits)
    }

    /// Calls `POST /audio/transcriptions`.
    pub fn transcriptions(&self) -> Call<Transcriptions> {
        self.endpoint(Transcriptions)
    }

    /// Calls `POST /audio/speech` and streams events that carry the audio in base64. Some models and servers do not
    /// support them; [`speech_audio`](Self::speech_audio) works with all.
    pub fn speech(&self) -> Call<Speech> {
        self.endpoint(Speech)
    }

    /// Calls `POST /audio/speech` and streams the audio alone, chunk by chunk as it arrives.
    pub fn speech_audio(&self) -> Call<SpeechAudio> {
        self.endpoint(SpeechAudio)
    }

    /// Calls `POST /responses/input_tokens`. The endpoint does not stream: use [`create`](Call::create).
    pub fn input_tokens(&self) -> Call<InputTokens> {
        self.endpoint(InputTokens)
    }

    /// Calls `POST /embeddings`. The endpoint does not stream: use [`create`](Call::create).
    pub fn embeddings(&self) -> Call<Embeddings> {
        self.endpoint(Embeddings)
    }

    /// Calls `POST /moderations`. The endpoint does not stream: use [`create`](Call::create).
    pub fn moderations(&self) -> Call<Moderations> {
        self.endpoint(Moderations)
    }

    /// Calls `/models`: [`list`](Call::list) and [`get`](Call::get).
    ///
    /// ```no_run
    /// # async fn example(openai: actorstream::OpenAi) -> Result<(), actorstream::StreamError> {
    /// for model in &openai.models().list().await?.response.data {
    ///     println!("{} {}", model.id, model.shutdown_date.as_deref().unwrap_or("-"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn models(&self) -> Call<Models> {
        self.endpoint(Models)
    }

    /// Calls `/files`. [`create`](Call::create) uploads a file.
    ///
    /// ```no_run
    /// # async fn example(openai: actorstream::OpenAi) -> Result<(), actorstream::StreamError> {
    /// use std::path::Path;
    ///
    /// use actorstream::FileRequest;
    ///
    /// let files = openai.files();
    /// let file = files.create(FileRequest::new("user_data", Path::new("report.pdf"))).await?.response;
    /// let content = files.content(&file.id).await?.response;
    /// files.delete(&file.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn files(&self) -> Call<Files> {
        self.endpoint(Files)
    }

    /// Calls any other endpoint: [`Custom`](crate::Custom) for a path, or an [`Endpoint`] of your own.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), actorstream::StreamError> {
    /// use actorstream::{Custom, OpenAi, StreamEvent};
    ///
    /// let openai = OpenAi::from_env()?;
    /// let request = serde_json::json!({"model": "gpt-6-luna", "input": "Hello", "stream": true});
    /// openai.endpoint(Custom::post("/responses")).stream_fn(request, |event| {
    ///     if let StreamEvent::Data(data) = event {
    ///         println!("{}", data.payload.text());
    ///     }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint<P: Endpoint>(&self, endpoint: P) -> Call<P> {
        Call::new(self.clone(), endpoint)
    }

    /// Ends all streams of this client and its clones, on all threads. Each stream ends as if it had been cancelled,
    /// with the partial response; a response in background mode is also cancelled at the server. A stream that is
    /// started afterwards ends at once with [`ErrorKind::ShutDown`](crate::ErrorKind::ShutDown).
    ///
    /// Returns the number of streams whose targets have not received their ends: 0 as soon as all have, otherwise
    /// after `deadline`. The remaining ends stay in the mailboxes, behind the deliveries that the targets are
    /// processing. It can be awaited on any runtime or none, and more than once.
    ///
    /// ```no_run
    /// # async fn example(openai: actorstream::OpenAi) {
    /// use std::time::Duration;
    ///
    /// let left = openai.shutdown(Duration::from_secs(5)).await;
    /// if left > 0 {
    ///     eprintln!("{left} targets did not take the end of their streams");
    /// }
    /// # }
    /// ```
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        let streams = &self.inner.streams;
        streams.close();
        if streams.running() > 0 {
            // A timer needs a runtime, which the caller may not have.
            let (timer, passed) = oneshot::channel::<()>();
            self.inner.pool.run(move || {
                actix_rt::spawn(async move {
                    let mut timer = timer;
                    select(pin!(actix_rt::time::sleep(deadline)), pin!(timer.closed())).await;
                });
            });
            let ended = pin!(streams.ended());
            select(ended, passed).await;
        }
        streams.running()
    }

    /// The number of streams that may start before the next one waits for a permit.
    pub fn available_permits(&self) -> usize {
        self.inner.permits.available_permits()
    }
}
