#!/bin/sh
# Builds the benches, runs all of them and writes docs/performance.md with its plots. Takes some twenty minutes; needs
# valgrind, what relay.sh needs, and 10,300 open files for the streams that are held open. CARGO_TARGET_DIR is honoured.
set -eu
cd "$(dirname "$0")"
command -v valgrind >/dev/null || { echo "run.sh: valgrind is not installed" >&2; exit 1; }
ulimit -n "$(ulimit -H -n)"
export CARGO_INCREMENTAL=0
cargo build --release --bins
cargo run --release --quiet --bin report -- ../../docs
./off.sh | tee -a ../../docs/performance.md
./latency.sh | tee -a ../../docs/performance.md
./shapes.sh | tee -a ../../docs/performance.md
./smallest.sh | tee -a ../../docs/performance.md
./relay.sh | tee -a ../../docs/performance.md
