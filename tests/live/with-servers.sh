#!/usr/bin/env bash
# Runs a command with a mock OpenAI server, nginx in front of it, and proxies
# (tinyproxy, microsocks) up and their addresses in ACTORSTREAM_LIVE_* variables. See README.md.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# Debian keeps nginx where an ordinary user's PATH may not look.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
aimock_pid=
nginx_pid=
proxy_pids=()
tmp=

say() {
    printf 'with-servers.sh: %s\n' "$*" >&2
}

need() {
    if ! command -v "$1" >/dev/null; then
        say "$1 not found; install the Debian package $2"
        exit 2
    fi
}

# Ends process $1, if there is one, by force after about 3 s. For cleanup only:
# it counts on failing commands being passed over.
end() {
    local i
    if [ -z "$1" ]; then
        return 0
    fi
    kill -TERM "$1" 2>/dev/null
    for ((i = 0; i < 30; i++)); do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null
    wait "$1" 2>/dev/null
    return 0
}

cleanup() {
    set +e
    trap '' HUP INT TERM
    end "$nginx_pid"
    for pid in "${proxy_pids[@]}"; do
        end "$pid"
    done
    # It keeps no state, and on TERM would first wait for stalled streams.
    if [ -n "$aimock_pid" ]; then
        kill -KILL "$aimock_pid" 2>/dev/null
        wait "$aimock_pid" 2>/dev/null
    fi
    if [ -n "$tmp" ]; then
        rm -rf -- "$tmp"
    fi
}

fail() {
    local log
    say "$1"
    for log in "$tmp"/openssl.log "$tmp"/aimock.log "$tmp"/nginx.log "$tmp"/error.log \
        "$tmp"/proxy*.log; do
        if [ -s "$log" ]; then
            printf -- '--- %s\n' "${log##*/}" >&2
            tail -n 40 -- "$log" >&2
        fi
    done
    exit 1
}

if [ $# -eq 0 ]; then
    say 'usage: with-servers.sh COMMAND [ARGUMENT]...'
    exit 2
fi

need nginx nginx
need openssl openssl
need tinyproxy tinyproxy-bin
need microsocks microsocks
need node nodejs
if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 15) ? 0 : 1)'; then
    say "node $(node --version) is too old; aimock needs 20.15 or later (Debian package nodejs, from Debian 13 on)"
    exit 2
fi

# The stamp is a copy of the lock file that node_modules was installed from.
stamp=$here/node_modules/.with-servers-lock.json
if ! cmp -s -- "$here/package-lock.json" "$stamp"; then
    need npm npm
    say 'npm ci'
    if ! (cd -- "$here" && npm ci >&2); then
        say 'npm ci failed'
        exit 1
    fi
    cp -- "$here/package-lock.json" "$stamp"
fi

trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
tmp=$(mktemp -d "${TMPDIR:-/tmp}/actorstream-live.XXXXXX")
tmp=$(cd -- "$tmp" && pwd)

# A CA, and a certificate of it for localhost.
cat >"$tmp/openssl.cnf" <<'EOF'
[req]
distinguished_name = dn
prompt = no
[dn]
CN = localhost
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
EOF
make_certificates() {
    cd -- "$tmp" &&
        openssl req -x509 -config openssl.cnf -extensions ca -subj '/CN=actorstream test CA' -days 2 \
            -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem &&
        openssl req -new -config openssl.cnf \
            -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr &&
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -set_serial 1 -days 2 \
            -extfile openssl.cnf -extensions server -out server.pem
}
(make_certificates) >"$tmp/openssl.log" 2>&1 || fail 'openssl could not make the certificates'
rm -- "$tmp/openssl.log"

# aimock takes a free port by itself and tells it in its log.
: >"$tmp/aimock.log"
env -u AIMOCK_API_KEYS -u AIMOCK_STRICT_TURN_INDEX \
    node "$here/node_modules/@copilotkit/aimock/dist/cli.js" --host 127.0.0.1 --port 0 \
    --fixtures "$here/fixtures" --validate-on-load </dev/null >"$tmp/aimock.log" 2>&1 &
aimock_pid=$!
aimock_port=
for ((i = 0; i < 200; i++)); do
    aimock_port=$(sed -n 's|.*listening on http://127\.0\.0\.1:\([0-9]*\).*|\1|p' "$tmp/aimock.log")
    if [ -n "$aimock_port" ]; then
        break
    fi
    kill -0 "$aimock_pid" 2>/dev/null || fail 'aimock ended'
    sleep 0.1
done
if [ -z "$aimock_port" ]; then
    fail 'aimock did not start within 20 s'
fi

# nginx does not, so another process may take the ports first: try again then.
user=
if [ "$(id -u)" -eq 0 ]; then
    # Its workers need to get at the temporary directory too.
    user="user root $(id -gn);"
fi
# Whether all the servers answer, asked through every way in.
all_answer() {
    local base=http://127.0.0.1
    NODE_EXTRA_CA_CERTS=$tmp/ca.pem node -e '
        Promise.all(process.argv.slice(1).map(async (url) => {
            const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
            if (!answer.ok) throw new Error(url + ": " + answer.status);
        })).then(() => process.exit(0), (e) => { console.error(e); process.exit(1); });
    ' "$base:$aimock_port/health" "$base:$http_port/health" \
        "https://localhost:$tls_port/health" "https://localhost:$gzip_port/health" \
        >"$tmp/ready.log" 2>&1
}
up=
for ((try = 0; try < 5; try++)); do
    read -r http_port tls_port gzip_port relay_port < <(node -e '
        const net = require("node:net");
        const listen = () => new Promise((resolve, reject) => {
            const server = net.createServer().on("error", reject);
            server.listen(0, "127.0.0.1", () => resolve(server));
        });
        Promise.all([listen(), listen(), listen(), listen()]).then((servers) => {
            console.log(servers.map((s) => s.address().port).join(" "));
            servers.forEach((s) => s.close());
        });
    ') || fail 'no free ports'
    sed -e "s|@USER@|$user|" -e "s|@AIMOCK_PORT@|$aimock_port|" -e "s|@HTTP_PORT@|$http_port|" \
        -e "s|@TLS_PORT@|$tls_port|" -e "s|@GZIP_PORT@|$gzip_port|" \
        -e "s|@RELAY_PORT@|$relay_port|" -e "s|@TMP@|$tmp|" \
        "$here/nginx.conf.in" >"$tmp/nginx.conf"
    nginx -p "$tmp/" -e error.log -c nginx.conf -g 'daemon off;' </dev/null >"$tmp/nginx.log" 2>&1 &
    nginx_pid=$!
    for ((i = 0; i < 100; i++)); do
        kill -0 "$aimock_pid" 2>/dev/null || fail 'aimock ended'
        kill -0 "$nginx_pid" 2>/dev/null || break
        if all_answer; then
            up=yes
            break 2
        fi
        sleep 0.1
    done
    if kill -0 "$nginx_pid" 2>/dev/null; then
        cat -- "$tmp/ready.log" >&2
        fail 'the servers did not answer in time'
    fi
    nginx_pid=
    grep -q 'Address already in use' "$tmp/nginx.log" "$tmp/error.log" || fail 'nginx ended'
done
if [ -z "$up" ]; then
    fail 'nginx found its ports taken, five times'
fi

# Starts a tinyproxy with a line of configuration; its port is in $proxy_port.
start_proxy() {
    local try i pid name=proxy${#proxy_pids[@]}
    for ((try = 0; try < 5; try++)); do
        proxy_port=$(node -e '
            const server = require("node:net").createServer().listen(0, "127.0.0.1", () => {
                console.log(server.address().port);
                server.close();
            });
        ') || fail 'no free port'
        printf '%s\n' 'Listen 127.0.0.1' "Port $proxy_port" 'Timeout 600' 'MaxClients 100' "$1" >"$tmp/$name.conf"
        tinyproxy -d -c "$tmp/$name.conf" </dev/null >"$tmp/$name.log" 2>&1 &
        pid=$!
        for ((i = 0; i < 100; i++)); do
            kill -0 "$pid" 2>/dev/null || break
            # Its port may be another's: then it ends.
            if grep -q 'Accepting connections' "$tmp/$name.log"; then
                proxy_pids+=("$pid")
                return
            fi
            sleep 0.1
        done
        end "$pid"
    done
    fail 'tinyproxy did not start, five times'
}
start_proxy ''
open_proxy=127.0.0.1:$proxy_port
start_proxy 'BasicAuth user passw0rd'
closed_proxy=127.0.0.1:$proxy_port

# Starts a microsocks with these arguments; its port is in $proxy_port.
start_socks() {
    local try i pid name=proxy${#proxy_pids[@]}
    for ((try = 0; try < 5; try++)); do
        proxy_port=$(node -e '
            const server = require("node:net").createServer().listen(0, "127.0.0.1", () => {
                console.log(server.address().port);
                server.close();
            });
        ') || fail 'no free port'
        microsocks -i 127.0.0.1 -p "$proxy_port" "$@" </dev/null >"$tmp/$name.log" 2>&1 &
        pid=$!
        for ((i = 0; i < 100; i++)); do
            kill -0 "$pid" 2>/dev/null || break
            if (exec 3<>"/dev/tcp/127.0.0.1/$proxy_port") 2>/dev/null; then
                proxy_pids+=("$pid")
                return
            fi
            sleep 0.1
        done
        end "$pid"
    done
    fail 'microsocks did not start, five times'
}
start_socks
open_socks=127.0.0.1:$proxy_port
start_socks -u user -P passw0rd
closed_socks=127.0.0.1:$proxy_port

export ACTORSTREAM_LIVE_SOCKS=$open_socks
export ACTORSTREAM_LIVE_SOCKS_AUTH=$closed_socks
export ACTORSTREAM_LIVE_PROXY=http://$open_proxy
export ACTORSTREAM_LIVE_PROXY_AUTH=http://user:passw0rd@$closed_proxy
export ACTORSTREAM_LIVE_HTTP=http://127.0.0.1:$aimock_port/v1
export ACTORSTREAM_LIVE_NGINX=http://127.0.0.1:$http_port/v1
export ACTORSTREAM_LIVE_TLS=https://localhost:$tls_port/v1
export ACTORSTREAM_LIVE_GZIP=https://localhost:$gzip_port/v1
export ACTORSTREAM_LIVE_502=http://127.0.0.1:$http_port/dead/v1
export ACTORSTREAM_LIVE_413=http://127.0.0.1:$http_port/small/v1
export ACTORSTREAM_LIVE_RELAY=http://127.0.0.1:$relay_port
export ACTORSTREAM_LIVE_RELAY_SOCKET=$tmp/relay.sock
export ACTORSTREAM_LIVE_CA=$tmp/ca.pem

"$@"
