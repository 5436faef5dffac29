#!/usr/bin/env bash
# Installs what the tests need and runs all of them. Ends with a line that says what ran.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

need() {
    local missing=()
    for package in "$@"; do
        dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    say "installing ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        echo "these Debian packages are missing: ${missing[*]}" >&2
        exit 2
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Nothing is built twice, so what makes a second build faster only fills the disk.
export CARGO_INCREMENTAL=0

# What is tested gives the seeds: each change plays other inputs, and all who run it play the same ones.
tree=$(git rev-parse --short=10 'HEAD^{tree}' 2>/dev/null || echo 1)
export SEED="${SEED:-$((16#$tree))}" ACTORSTREAM_SEED="${ACTORSTREAM_SEED:-$((16#$tree))}"

need nginx openssl redis-server tinyproxy-bin microsocks chromium valgrind g++

say 'format'
cargo fmt --all -- --check

say 'generated types are those of the schemas'
cargo run --quiet -p actorstream-xtask -- generate --check

say 'clippy'
cargo clippy --workspace --all-targets --all-features --quiet -- -D warnings

say 'documentation'
RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --quiet

say 'tests that need nothing but Rust'
cargo test --workspace --quiet

say 'all interleavings of what a connector and its target share (loom)'
CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/loom" cargo test --release --quiet --manifest-path tests/loom/Cargo.toml

say 'load: 10,000 streams at once'
cargo run --quiet -p actorstream-tests -- streams --count 10000 --events 3 --period 4000

say 'fuzzers, a fixed number of inputs each'
RUNS=2000 tests/fuzz/run.sh

if cargo +nightly miri setup </dev/null >/dev/null 2>&1; then
    say 'unsafe code under Miri'
    CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/miri" cargo +nightly miri test --quiet -p actorstream-proto --lib -- text::
else
    say 'NO MIRI: unsafe code is only tested and fuzzed (rustup component add --toolchain nightly miri rust-src)'
fi

say 'README: the command of a newcomer'
env -u OPENAI_API_KEY -u OPENAI_BASE_URL cargo run --quiet -- chat 'Tell me a story' >target/story.txt
grep -q . target/story.txt

say 'real servers: aimock, nginx, TLS, tinyproxy'
tests/live/with-servers.sh cargo test --workspace --quiet --features actorstream-tests/live --test live

say 'stock clients: the AI SDK, EventSource, OpenAI for Node and Python, a browser'
tests/web/run.sh

say 'Redis: the store, its faults, instances that are killed'
cargo test --package actorstream-web --quiet --features live --test redis

say 'the same with Valkey'
# Its build knows no TLS.
valkey=$(tests/valkey.sh)
REDIS_SERVER="$valkey" cargo test --package actorstream-web --quiet --features live --test redis -- --skip tls

say 'instructions per event'
crates/actorstream-bench/guard.sh

say 'all tests ran'
