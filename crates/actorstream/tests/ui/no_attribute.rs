use actix::{Actor, Context};
use actorstream::{
    ChatCompletion, ChatCompletionChunk, ChatRequest, Finish, OpenAi, StreamError, StreamRef, StreamingClient,
};

struct Mine;

impl Actor for Mine {
    type Context = Context<Self>;
}

impl StreamingClient<ChatCompletionChunk> for Mine {
    fn handle_data(&mut self, _: ChatCompletionChunk, _: &StreamRef, _: &mut Self::Context) {}
    fn handle_error(&mut self, _: StreamError, _: &StreamRef, _: &mut Self::Context) {}
    fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, _: &mut Self::Context) {}
}

fn main() {
    let openai = OpenAi::from_env().unwrap();
    openai.chat().stream(ChatRequest::new("m"), Mine.start());
}
