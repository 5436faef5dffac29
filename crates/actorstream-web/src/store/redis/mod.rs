//! `RedisStore`: logs in Redis, for all instances of a service.
//!
//! The connections run on a thread that belongs to the store. actix-web workers are single threads that come and go,
//! and a connection would end with the worker that made it; here, it outlives them all, and concurrent commands of
//! all workers go to Redis in one write. A process has two connections: one for commands and one for the
//! subscription, so that a flood of messages (Redis disconnects slow subscribers) never disconnects the commands.

mod batch;
mod fault;
mod keys;
mod link;
mod message;
mod options;
mod reply;
mod scripts;
mod source;
mod store;
mod subscriber;
mod sweep;
mod watches;

pub use options::{RedisConnectError, RedisOptions};
pub use store::RedisStore;
