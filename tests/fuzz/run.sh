#!/usr/bin/env bash
# Fuzzes each property, one after the other: `tests/fuzz/run.sh [NAME…]`. RUNS says how many inputs each is given, or SECONDS_EACH
# how long it runs. What fails is written to target/fuzz/findings, and the next run begins with what this one learned.
#
# libFuzzer needs a C++ compiler, but no nightly Rust: without a sanitizer the stable compiler has all the instrumentation.
# (Safe code needs none; the little that is unsafe asserts its invariant, and runs under Miri in tests/run.sh.)
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v c++ >/dev/null; then
    echo 'tests/fuzz/run.sh: NO FUZZING: libFuzzer needs a C++ compiler (apt-get install g++)' >&2
    exit 2
fi
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(sse_decoder session template forms dialects accumulators partial_json multipart)
if [ -n "${SECONDS_EACH:-}" ]; then
    until=(-max_total_time="$SECONDS_EACH")
else
    until=(-runs="${RUNS:-20000}")
fi

host=$(rustc -vV | sed -n 's/^host: //p')
target=${CARGO_TARGET_DIR:-target}/fuzz
# With --target these hold for the fuzzers alone, not for build scripts.
flags='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters'
flags+=' -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing'
cargo build --quiet --locked --package actorstream-properties --example seeds
RUSTFLAGS="${RUSTFLAGS:-} $flags" cargo build --quiet --release --manifest-path tests/fuzz/Cargo.toml --target-dir "$target" \
    --target "$host" "${names[@]/#/--bin=}"

for name in "${names[@]}"; do
    corpus=$target/corpus/$name
    findings=$target/findings/$name
    mkdir -p "$corpus" "$findings"
    "${CARGO_TARGET_DIR:-target}/debug/examples/seeds" "$name" "$target/seeds/$name"
    log=$target/$name.log
    # An input that takes 20 s is a finding, and so is one that takes more memory than this.
    if ! "$target/$host/release/$name" "${until[@]}" -max_len=8192 -timeout=20 -rss_limit_mb=1024 -malloc_limit_mb=512 \
        -print_final_stats=1 -artifact_prefix="$findings/" "$corpus" "$target/seeds/$name" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        echo "fuzz: $name does not hold; the input is in $findings, the log in $log" >&2
        exit 1
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1)
    echo "fuzz: $name holds: $runs inputs, ${coverage:-cov: ?}"
done
