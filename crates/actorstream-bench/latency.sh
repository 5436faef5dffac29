#!/usr/bin/env bash
# Prints, as a Markdown section, how long events are under way from the server's write to whoever takes them: 200 streams of
# 50 events a second, with actorstream and with async-openai in turn. Some three minutes. STREAMS, SECONDS_EACH and ROUNDS
# change how much and how long; CLIENTS names those to measure: actorstream, actorstream-one-actor, async-openai, bare. Needs two
# cores, and goes before all other work of the machine where it may. CARGO_TARGET_DIR is honoured.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
built="${CARGO_TARGET_DIR:-$here/target}/release"
work="$(mktemp -d)"
streams="${STREAMS:-200}" seconds="${SECONDS_EACH:-20}" rounds="${ROUNDS:-3}"
read -ra clients <<<"${CLIENTS:-actorstream async-openai}"
# The server sends an event to each stream in so many milliseconds.
period=20
export CARGO_INCREMENTAL=0
# Otherwise a compiler that runs beside is what is measured.
first=() priority='the usual priority'
if chrt --rr 10 true 2>/dev/null; then
    first=(chrt --rr 10) priority='real-time priority'
fi
server=''
trap 'stop; rm -rf "$work"' EXIT

stop() {
    [ -z "$server" ] || { kill "$server"; wait "$server"; } 2>/dev/null || true
    server=''
}

# Measures a client, with a server of its own, and appends what it prints.
measure() {
    rm -f "$work/url"
    "${first[@]}" taskset -c 0 "$built/relay" upstream "$period" >"$work/url" &
    server=$!
    until grep -qs http "$work/url"; do sleep 0.05; done
    "${first[@]}" taskset -c 1 "$built/client" delays "$1" "$(cat "$work/url")/v1" "$streams" "$seconds" >>"$work/$1"
    stop
}

# The median over the rounds of a client's figure, divided.
median() {
    sed -n "s/.*\b$2 \([0-9]*\).*/\1/p" "$work/$1" | sort -n | awk -v by="$3" '
        { values[NR] = $1 }
        END { printf "%.1f", (values[int((NR + 1) / 2)] + values[int((NR + 2) / 2)]) / 2 / by }'
}

cargo build --release --quiet --manifest-path "$here/Cargo.toml" --bin client --bin relay
load="$(cut -d ' ' -f 1-3 /proc/loadavg)"
order=("${clients[@]}")
for _ in $(seq "$rounds"); do
    for client in "${order[@]}"; do
        measure "$client"
    done
    # The next round begins with the one that was last.
    reversed=()
    for client in "${order[@]}"; do reversed=("$client" "${reversed[@]}"); done
    order=("${reversed[@]}")
done

printf '\n## Latency under load\n\n'
printf 'Made by `crates/actorstream-bench/latency.sh`: %s streams of %s events a second, one client after the other, %s rounds ' \
    "$streams" "$((1000 / period))" "$rounds"
printf 'in alternating order, %s s each after a warm-up of 2 s. Delays are from the write of the server, which sends to a twentieth ' \
    "$seconds"
printf 'of the streams in each millisecond, to `handle_data` of an actor for each stream, or to the item of the stream of '
printf 'async-openai. Server and client are processes of one thread, each on a core of its own, with %s. Medians of the rounds. ' \
    "$priority"
printf 'Load of the machine before: %s.\n\n' "$load"
printf '| client | events that came | p50 µs | p99 µs | max µs | CPU µs an event |\n|---|--:|--:|--:|--:|--:|\n'
for client in "${clients[@]}"; do
    awk -v client="$client" -v asked="$((streams * seconds * 1000 / period))" -v events="$(median "$client" events 1)" \
        -v p50="$(median "$client" p50_ns 1000)" -v p99="$(median "$client" p99_ns 1000)" \
        -v max="$(median "$client" max_ns 1000)" -v cpu="$(median "$client" cpu_us 1)" 'BEGIN {
        printf "| %s | %.0f %% | %.0f | %.0f | %.0f | %.1f |\n", client, 100 * events / asked, p50, p99, max, cpu / events }'
done
