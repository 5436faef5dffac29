#!/bin/sh
# Fails where our own work in memory takes more than 3 % more or fewer instructions than instructions.txt says; with
# --record, writes that file anew. Needs valgrind; builds nothing but the protocol core. CARGO_TARGET_DIR is honoured.
set -eu
cd "$(dirname "$0")"
command -v valgrind >/dev/null || { echo "guard.sh: valgrind is not installed" >&2; exit 1; }
# What is counted is a build of its own: whole, whatever the environment says.
export CARGO_INCREMENTAL=0
# With more units, what is inlined depends on the folder that the project is in.
export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1
unset RUSTFLAGS
cargo build --release --quiet --no-default-features --bin decode --bin guard
exec cargo run --release --quiet --no-default-features --bin guard -- "$@"
