//! `Keys`: the names of keys and channels in Redis.

use std::sync::Arc;

use crate::id::GenerationId;
use crate::store::ChatKey;

/// The names of keys and channels, all with one prefix. Those of one generation share a hash tag, its id in braces,
/// so that they are on one node of a cluster.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: Arc<str>,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The hash with the state of a generation, except its entries.
    pub(super) fn meta(&self, id: &GenerationId) -> String {
        self.of(id, ":m")
    }

    /// The stream of a generation's entries.
    pub(super) fn log(&self, id: &GenerationId) -> String {
        self.of(id, ":l")
    }

    /// The key that exists as long as the producer's lease.
    pub(super) fn lease(&self, id: &GenerationId) -> String {
        self.of(id, ":lease")
    }

    /// The channel for all changes of a generation except appends.
    pub(super) fn channel(&self, id: &GenerationId) -> String {
        self.of(id, "")
    }

    /// The channel for appends to a generation.
    pub(super) fn entries(&self, id: &GenerationId) -> String {
        self.of(id, ":e")
    }

    /// Returns the generation of a channel.
    pub(super) fn generation(&self, channel: &[u8]) -> Option<GenerationId> {
        let id = std::str::from_utf8(channel).ok()?.strip_prefix(&*self.prefix)?;
        let (id, channel) = id.strip_prefix(":{")?.split_once('}')?;
        matches!(channel, "" | ":e").then(|| id.parse().ok())?
    }

    /// The sorted set of the running generations.
    pub(super) fn live(&self) -> String {
        format!("{}:live", self.prefix)
    }

    /// The hash with a chat's current generation.
    pub(super) fn chat(&self, chat: &ChatKey) -> String {
        format!("{}:chat:{}:{}:{}", self.prefix, chat.owner.len(), chat.owner, chat.chat)
    }

    /// The hash with the tally of each process for an owner.
    pub(super) fn owner(&self, owner: &str) -> String {
        format!("{}:owner:{owner}", self.prefix)
    }

    fn of(&self, id: &GenerationId, what: &str) -> String {
        format!("{}:{{{id}}}{what}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_generation_share_a_hash_tag() {
        let (keys, id) = (Keys::new("p"), "gen_1".parse().unwrap());
        assert_eq!(
            [keys.meta(&id), keys.log(&id), keys.lease(&id), keys.channel(&id), keys.entries(&id)],
            ["p:{gen_1}:m", "p:{gen_1}:l", "p:{gen_1}:lease", "p:{gen_1}", "p:{gen_1}:e"]
        );
        assert_eq!(keys.generation(b"p:{gen_1}"), Some(id.clone()));
        assert_eq!(keys.generation(b"p:{gen_1}:e"), Some(id));
        for channel in ["q:{gen_1}", "p:{gen_1}:m", "p:{}", "p"] {
            assert_eq!(keys.generation(channel.as_bytes()), None, "{channel}");
        }
    }

    #[test]
    fn chats_of_two_owners_have_two_keys() {
        let chat = |owner: &str, chat: &str| ChatKey { owner: owner.into(), chat: chat.into() };
        let keys = Keys::new("p");
        assert_ne!(keys.chat(&chat("a", "b:c")), keys.chat(&chat("a:b", "c")));
    }
}
