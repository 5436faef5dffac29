//! `RedisStore`: logs in Redis, for all instances of a service.
//!
//! The connections run on a thread that belongs to the store. A connection on an actix-web worker would end with
//! that worker. On the store's thread, it outlives all workers, and their concurrent commands go to Redis in one
//! write. A process has two connections, one for commands and one for the subscription: Redis disconnects slow
//! subscribers, so a flood of messages must not affect the commands.

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
