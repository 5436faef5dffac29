//! What tells a request from others of its chat.

use std::io::{self, Write};

use serde_json::Value;

use super::{UiMessage, UiRole};

/// The id of the last message of the user's, and a hash of the messages from there on as they came.
pub(super) fn of(messages: &[UiMessage], as_they_came: Option<&Value>) -> Option<String> {
    let last = messages.iter().rposition(|message| message.role == UiRole::User)?;
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    for message in as_they_came?.as_array()?.iter().skip(last) {
        for field in ["id", "role", "parts"] {
            serde_json::to_writer(&mut hash, &message[field]).ok()?;
        }
    }
    Some(format!("{}:{:016x}", messages[last].id, hash.0))
}

/// FNV-1a, which is the same in every process and for good. A user who makes two of their own messages collide gains
/// nothing but the first one's answer.
struct Fnv(u64);

impl Write for Fnv {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
