#!/usr/bin/env bash
# Puts 200 streams of 20 events a second through nginx, through the relay and through other gateways, one after the other, and
# 10,000 viewers before the relay whose generations are silent: prints, as a Markdown section, what each takes. Installs the
# gateways, pinned, below `target`; needs nginx, redis-server, npm and python3, and 10,300 open files. Some five minutes.
# SECONDS_EACH and STREAMS change how long each is measured, and how much it is given; ONLY names the gateways to run.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
cache="${CARGO_TARGET_DIR:-$root/target}/gateways"
work="$(mktemp -d)"
litellm=1.105.0 portkey=1.15.2
seconds="${SECONDS_EACH:-10}" streams="${STREAMS:-200}" only=" ${ONLY:-nginx memory redis portkey litellm silent} "
ulimit -n "$(ulimit -H -n)"
export CARGO_INCREMENTAL=0
running=()
trap 'stop; rm -rf "$work"' EXIT

stop() {
    for pid in "${running[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${running[@]}"; do wait "$pid" 2>/dev/null || true; done
    running=()
}

# Starts a process: its output, the command. Its id is in $pid.
start() {
    local log="$work/$1.log"
    shift
    "$@" >"$log" 2>&1 &
    pid=$!
    running+=("$pid")
}

port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Waits until something listens at a port.
up() {
    # LiteLLM takes minutes on a busy machine.
    for _ in $(seq 1800); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
        sleep 0.1
    done
    echo "nothing listens at port $1" >&2
    tail -n 20 "$work"/*.log >&2
    exit 1
}

# Starts the upstream; its address is in $upstream.
upstream() {
    start upstream "$bench" upstream "$@"
    until grep -qs http "$work/upstream.log"; do sleep 0.05; done
    upstream="$(sed 's|http://||' "$work/upstream.log")"
}

# A figure of a line of `name value` pairs.
figure() {
    sed -n "s/.*\b$2 \([0-9]*\).*/\1/p" <<<"$1"
}

# A row of the table: name, port, ids of processes, headers. A gateway of others that fails has its error in the row.
row() {
    local name="$1" port="$2" pids="$3" result
    shift 3
    if ! result="$("$bench" load "127.0.0.1:$port" "$streams" 0 "$seconds" "$pids" "$@" 2>"$work/error")"; then
        [[ "$name" == this* ]] && { cat "$work/error"; tail -n 20 "$work"/*.log; exit 1; } >&2
        printf '| %s | %s | | | | |\n' "$name" "$(tail -n 1 "$work/error" | sed 's/^Error: //; s/"//g') after two minutes"
        stop
        return
    fi
    local events cpu p50 p99 resident
    events="$(figure "$result" events)" cpu="$(figure "$result" cpu_us)"
    p50="$(figure "$result" p50_us)" p99="$(figure "$result" p99_us)" resident="$(figure "$result" resident_kib)"
    awk -v name="$name" -v events="$events" -v cpu="$cpu" -v p50="$p50" -v p99="$p99" -v resident="$resident" \
        -v asked="$((streams * 20 * seconds))" 'BEGIN {
        printf "| %s | %.0f %% | %.1f | %.2f | %.2f | %.1f |\n",
            name, 100 * events / asked, cpu / events, p50 / 1000, p99 / 1000, resident / 1024 }'
    stop
}

wanted() { [[ "$only" == *" $1 "* ]]; }

cargo build --release --quiet --manifest-path "$here/Cargo.toml" --target-dir "$cache/bench" --no-default-features \
    --features relay --bin relay
bench="$cache/bench/release/relay"
cargo build --release --quiet --manifest-path "$root/Cargo.toml" --package actorstream-cli
relay="${CARGO_TARGET_DIR:-$root/target}/release/actorstream"
if wanted portkey && [ ! -d "$cache/portkey-$portkey" ]; then
    npm install --no-audit --no-fund --loglevel=error --prefix "$cache/portkey-$portkey" "@portkey-ai/gateway@$portkey" \
        @hono/node-server@1.3.3 hono@4.9.7 >&2
fi
if wanted litellm && [ ! -x "$cache/litellm-$litellm/bin/litellm" ]; then
    python3 -m venv "$cache/litellm-$litellm"
    "$cache/litellm-$litellm/bin/pip" install --quiet "litellm[proxy]==$litellm" >&2
fi

serve() {
    start relay env ACTORSTREAM_LOG=off OPENAI_API_KEY=sk-bench "$relay" serve --port "$1" --base-url "http://$upstream/v1" "${@:2}"
}

printf '\n## The relay as a gateway\n\n'
printf 'Made by `crates/actorstream-bench/relay.sh`: %s streams of 20 events a second, each with a viewer, one gateway after the ' "$streams"
printf 'other, on the same two cores as upstream and viewers. CPU time is that of all of the gateway'"'"'s processes, those of Redis '
printf 'included; delays are from the write of upstream to the read of the viewer. '
printf 'Portkey is given responses of `fetch` whose headers can be changed: with those of Node 20 it answers 500. '
printf 'nginx %s, redis-server %s, LiteLLM %s with one worker, Portkey %s. Load of the machine before: %s.\n\n' \
    "$(nginx -v 2>&1 | sed 's|.*/||; s| .*||')" "$(redis-server --version | sed 's/.*v=\([^ ]*\).*/\1/')" "$litellm" "$portkey" "$(cut -d ' ' -f 1-3 /proc/loadavg)"
printf '| gateway | events that came | CPU µs an event | p50 ms | p99 ms | MiB resident |\n|---|--:|--:|--:|--:|--:|\n'

if wanted nginx; then
    upstream 50
    port="$(port)"
    cat >"$work/nginx.conf" <<EOF
worker_processes 2;
daemon off;
pid $work/nginx.pid;
error_log $work/nginx.error.log;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/f; uwsgi_temp_path $work/u; scgi_temp_path $work/s;
    server {
        listen 127.0.0.1:$port;
        location / { proxy_pass http://$upstream; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
    }
}
EOF
    start nginx nginx -c "$work/nginx.conf"
    up "$port"
    row 'nginx, passing through' "$port" "$pid"
fi
if wanted memory; then
    upstream 50
    port="$(port)"
    serve "$port"
    up "$port"
    row 'this relay, in memory' "$port" "$pid"
fi
if wanted redis; then
    upstream 50
    port="$(port)" redis_port="$(port)"
    start redis redis-server --port "$redis_port" --save '' --appendonly no --dir "$work"
    redis="$pid"
    up "$redis_port"
    serve "$port" --redis "redis://127.0.0.1:$redis_port"
    up "$port"
    row 'this relay, with Redis' "$port" "$pid,$redis"
fi
if wanted portkey; then
    upstream 50
    port="$(port)"
    # It changes the headers of what `fetch` gives, which cannot be changed in Node 20: without this it answers 500.
    cat >"$work/headers.mjs" <<'EOF'
const { fetch } = globalThis;
globalThis.fetch = async (...request) => {
  const { body, status, statusText, headers } = await fetch(...request);
  return new Response(body, { status, statusText, headers: new Headers(headers) });
};
EOF
    start portkey env NODE_ENV=production node --import "$work/headers.mjs" "$cache/portkey-$portkey/node_modules/@portkey-ai/gateway/build/start-server.js" \
        --port="$port" --headless
    up "$port"
    row "Portkey" "$port" "$pid" 'x-portkey-provider: openai' "x-portkey-custom-host: http://$upstream/v1"
fi
if wanted litellm; then
    upstream 50
    port="$(port)"
    cat >"$work/litellm.yaml" <<EOF
model_list:
  - model_name: m
    litellm_params: {model: openai/m, api_base: "http://$upstream/v1", api_key: sk-bench}
EOF
    start litellm env -u OPENAI_API_KEY LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY=true "$cache/litellm-$litellm/bin/litellm" \
        --config "$work/litellm.yaml" --port "$port" --host 127.0.0.1 --num_workers 1 --telemetry False
    up "$port"
    row "LiteLLM" "$port" "$pid"
fi
if wanted silent; then
    for store in memory redis; do
        upstream
        port="$(port)" options=() redis=''
        if [ "$store" = redis ]; then
            redis_port="$(port)"
            start redis redis-server --port "$redis_port" --save '' --appendonly no --dir "$work"
            redis=",$pid"
            up "$redis_port"
            options=(--redis "redis://127.0.0.1:$redis_port")
        fi
        serve "$port" "${options[@]}"
        up "$port"
        result="$("$bench" load "127.0.0.1:$port" 100 99 30 "$pid$redis")"
        stop
        figures+=("$(awk -v store="$store" -v grown="$(figure "$result" grown_kib)" -v cpu="$(figure "$result" cpu_us)" 'BEGIN {
            printf "%s: %.1f KiB each, %.1f ms of CPU a second", store, grown / 9999, cpu / 30000 }')")
    done
    printf '\n10,000 viewers of 100 generations that are silent, for 30 s, with a ping each 15 s: %s; %s.\n' "${figures[@]}"
fi
