#!/bin/sh
# Builds the benches, runs all of them and writes RESULTS.md. Takes some ten minutes; needs valgrind, and 10,100 open
# files for the streams that are held open. CARGO_TARGET_DIR is honoured.
set -eu
cd "$(dirname "$0")"
command -v valgrind >/dev/null || { echo "run.sh: valgrind is not installed" >&2; exit 1; }
ulimit -n "$(ulimit -H -n)"
cargo build --release --bins
cargo run --release --quiet --bin report -- RESULTS.md
times=$(cargo bench --quiet --bench decoder --bench typed -- --sample-count 50 --min-time 0.1)
printf '\n## Time\n\n`cargo bench`, 1,600 events a round; wall time, so noise on a shared machine.\n\n```text\n%s\n```\n' "$times" |
    tee -a RESULTS.md
