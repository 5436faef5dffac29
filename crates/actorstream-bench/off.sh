#!/bin/sh
# Prints the instructions that an event and a stream take over a socket with everything off, and with each thing on, as a
# section of Markdown. Needs valgrind. CARGO_TARGET_DIR is honoured.
set -eu
cd "$(dirname "$0")"
command -v valgrind >/dev/null || { echo "off.sh: valgrind is not installed" >&2; exit 1; }
export CARGO_INCREMENTAL=0
cargo build --release --quiet --no-default-features --features sockets --bin off --bin server
exec cargo run --release --quiet --no-default-features --features sockets --bin off
