//! `RedisStore`: logs in Redis, for all instances of a service.
//!
//! The connections live on one thread of the store's own. Workers of actix-web are single threads that come and go, and a
//! connection would go with the one that made it; there, it outlives them all, and what all workers ask for at a time goes
//! to Redis in one write. Two connections serve a process: one for commands, and one for the subscription, so that a flood
//! of messages (Redis cuts off who does not take them) never takes the commands with it.

mod fault;
mod keys;
mod link;
mod message;
mod options;
mod reply;
mod scripts;
mod store;
mod subscriber;
mod sweep;
mod watches;

pub use options::{RedisConnectError, RedisOptions};
pub use store::RedisStore;
