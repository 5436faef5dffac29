#!/bin/sh
# Prints the instructions that an event of each shape takes, as a section of Markdown; or of the shapes that are named.
# Needs valgrind. CARGO_TARGET_DIR is honoured.
set -eu
cd "$(dirname "$0")"
command -v valgrind >/dev/null || { echo "shapes.sh: valgrind is not installed" >&2; exit 1; }
export CARGO_INCREMENTAL=0
cargo build --release --quiet --no-default-features --features types --bin decode --bin shapes
exec cargo run --release --quiet --no-default-features --features types --bin shapes -- "$@"
