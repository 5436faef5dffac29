//! `#[streaming_client]` above impls of every form: each makes the address of its actor a target.

use std::marker::PhantomData;

use actix::{Actor, Addr, Context};
use actorstream::{
    ChatCompletion, ChatCompletionChunk, Finish, IntoTarget, StreamError, StreamRef, StreamingClient,
    streaming_client,
};

mod renamed {
    pub(crate) use actorstream as client;
}

macro_rules! handlers {
    () => {
        fn handle_data(&mut self, _: ChatCompletionChunk, _: &StreamRef, _: &mut Self::Context) {}
        fn handle_error(&mut self, _: StreamError, _: &StreamRef, _: &mut Self::Context) {}
        fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, _: &mut Self::Context) {}
    };
}

struct Plain;

impl Actor for Plain {
    type Context = Context<Self>;
}

#[streaming_client]
/// A comment is an attribute of the impl, too.
impl StreamingClient<ChatCompletionChunk> for Plain {
    handlers!();
}

struct Renamed;

impl Actor for Renamed {
    type Context = Context<Self>;
}

#[streaming_client(crate = crate::renamed::client)]
impl StreamingClient<ChatCompletionChunk> for Renamed {
    handlers!();
}

struct Generic<'a, T: Clone, const N: usize>(PhantomData<&'a [T; N]>);

impl<T: Clone + Unpin + 'static, const N: usize> Actor for Generic<'static, T, N>
where
    [T; N]: Default,
{
    type Context = Context<Self>;
}

#[streaming_client]
impl<T: Clone + Unpin + 'static, const N: usize> StreamingClient<ChatCompletionChunk>
    for Generic<'static, T, N>
where
    [T; N]: Default,
{
    handlers!();
}

/// Compiles for targets alone.
fn target<T: IntoTarget<ChatCompletionChunk>>(_: T) {}

#[actix_rt::test]
async fn the_address_is_a_target() {
    target(Plain.start());
    target(Renamed.start());
    target::<Addr<Generic<'static, u8, 2>>>(Generic(PhantomData).start());
}
