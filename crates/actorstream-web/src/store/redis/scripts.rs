//! The scripts: each operation of the store is one script, so that it takes effect completely or not at all.

use std::sync::LazyLock;

use redis::{Cmd, Script};

/// Declares scripts with their flags: Redis refuses a script without `allow-oom` when its memory is exhausted.
macro_rules! scripts {
    ($($name:ident: $flags:literal, $file:literal;)*) => {
        $(pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(
                "#!lua", $flags, "\n", include_str!("scripts/common.lua"), "\n",
                include_str!(concat!("scripts/", $file, ".lua"))
            ))
        });)*
    };
}

scripts! {
    CREATE: "", "create";
    APPEND: "", "append";
    // An end is always accepted.
    APPEND_END: " flags=allow-oom", "append";
    READ: " flags=no-writes", "read";
    GENERATION: " flags=no-writes", "generation";
    READ_STATE: " flags=no-writes", "look";
    RENEW: " flags=allow-oom", "renew";
    CLAIM: " flags=allow-oom", "claim";
    RELEASE: " flags=allow-oom", "release";
    STOP: " flags=allow-oom", "stop";
    ATTEND: " flags=allow-oom", "attend";
    REMOVE: " flags=allow-oom", "remove";
    BIND: "", "bind";
    CURRENT: " flags=no-writes", "current";
    ADMIT: "", "admit";
    DUE: " flags=no-writes", "due";
    TALLY: " flags=allow-oom", "tally";
}

/// A call of a script.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) script: &'static Script,
    pub(super) command: Cmd,
}

impl Call {
    /// Creates a call of this script with these keys. [`arg`](Self::arg) adds arguments.
    pub(super) fn new(script: &'static Script, keys: &[&str]) -> Self {
        let mut command = Cmd::new();
        command.arg("EVALSHA").arg(script.get_hash()).arg(keys.len()).arg(keys);
        Self { script, command }
    }

    pub(super) fn arg<T: redis::ToRedisArgs>(mut self, argument: T) -> Self {
        self.command.arg(argument);
        self
    }
}
