//! A chat interface: an actor that shows a response word by word as it arrives, and returns the whole message on
//! request.
//!
//! ```sh
//! cargo run -p actorstream-examples --example chat_interface
//! ```
//!
//! With `OPENAI_API_KEY` set it calls OpenAI, with `OPENAI_BASE_URL` another server, and with neither a scripted
//! upstream on this machine. A prompt may be given as an argument.

use std::env;
use std::error::Error;
use std::io::{self, Write};

use actix::prelude::*;
use actorstream::{
    ChatCompletion, ChatCompletionChunk, ChatRequest, Finish, OpenAi, StreamError, StreamHandle, StreamRef,
    StreamingClient, streaming_client,
};

#[derive(Default)]
struct ChatInterface {
    /// The text that is not shown yet: the start of a word whose rest arrives with a later event.
    buffer: String,
    complete_message: String,
}

impl ChatInterface {
    /// Starts an actor and streams the response to it. The handle resolves when the response is complete.
    fn start_chat(openai: &OpenAi, initial_prompt: &str) -> (Addr<Self>, StreamHandle<ChatCompletion>) {
        let chat = Self::default().start();
        let request = ChatRequest::new("gpt-6-luna").user(initial_prompt).include_usage();
        let handle = openai.chat().stream(request, chat.clone());
        (chat, handle)
    }

    /// Shows the first `len` bytes of the buffer.
    fn show(&mut self, len: usize) {
        print!("{}", &self.buffer[..len]);
        let _ = io::stdout().flush();
        self.buffer.drain(..len);
    }
}

impl Actor for ChatInterface {
    type Context = Context<Self>;
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for ChatInterface {
    fn handle_data(&mut self, chunk: ChatCompletionChunk, _: &StreamRef, _: &mut Self::Context) {
        // Some chunks have no text: the first one has the role, the last ones the finish reason and the usage.
        let Some(text) = chunk.content() else { return };
        self.buffer.push_str(text);
        self.complete_message.push_str(text);
        if let Some(end_of_word) = self.buffer.rfind([' ', '\n']) {
            self.show(end_of_word + 1);
        }
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, _: &mut Self::Context) {
        self.show(self.buffer.len());
        println!();
        eprintln!("Error: {error}");
    }

    fn handle_finish(&mut self, end: Finish<ChatCompletion>, _: &StreamRef, _: &mut Self::Context) {
        self.show(self.buffer.len());
        println!("\n\nChat response complete.");
        if let Some(usage) = &end.response.usage {
            println!(
                "It took {} tokens, {} of them for the prompt.",
                usage.total_tokens, usage.prompt_tokens
            );
        }
    }
}

/// Requests the text received so far.
#[derive(Message)]
#[rtype(result = "String")]
struct GetCompleteMessage;

impl Handler<GetCompleteMessage> for ChatInterface {
    type Result = String;

    fn handle(&mut self, _: GetCompleteMessage, _: &mut Self::Context) -> String {
        self.complete_message.clone()
    }
}

#[actix::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (openai, _upstream) = actorstream_examples::client()?;
    let prompt = env::args().nth(1).unwrap_or_else(|| "Tell me about quantum computing".into());

    let (chat, answer) = ChatInterface::start_chat(&openai, &prompt);
    // When this resolves, `handle_finish` or `handle_error` has returned. The actor shows how the stream ended.
    let _ = answer.await;

    let complete_response = chat.send(GetCompleteMessage).await?;
    println!("\nThe actor keeps {} characters:\n\n{complete_response}", complete_response.chars().count());
    Ok(())
}
