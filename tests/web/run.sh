#!/usr/bin/env bash
# The web part with stock clients: the AI SDK, EventSource, OpenAI's clients for Node and Python, a browser. Needs Node 20
# or later, Python 3.11 or later with venv, Chromium, nginx and redis-server.
set -euo pipefail
cd "$(dirname "$0")"

# A stamp is a copy of the file that was installed from.
installed() {
    cmp -s -- "$1" "$2"
}

if ! installed package-lock.json node_modules/.installed-from.json; then
    npm ci --no-audit --no-fund
    cp package-lock.json node_modules/.installed-from.json
fi
if ! installed requirements.txt .venv/installed-from.txt; then
    rm -rf .venv
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement requirements.txt
    cp requirements.txt .venv/installed-from.txt
fi

# The useChat page, as its README builds it.
page=../../examples/use-chat
if ! installed "$page/package-lock.json" "$page/node_modules/.installed-from.json"; then
    npm --prefix "$page" ci --no-audit --no-fund
    cp "$page/package-lock.json" "$page/node_modules/.installed-from.json"
fi
npm --prefix "$page" run --silent build -- --logLevel warn

cargo build --quiet --package actorstream-tests --bin web_server
cargo build --quiet --package actorstream-cli
target=$(cargo metadata --format-version 1 --no-deps | node -p 'JSON.parse(fs.readFileSync(0)).target_directory')
export WEB_SERVER=$target/debug/web_server
export ACTORSTREAM=$target/debug/actorstream

# One file at a time: several drive a browser, and some ask how long a page is busy.
node --test --test-concurrency=1 --test-reporter=spec ./*.test.mjs
.venv/bin/python -m unittest --verbose test_openai.py

# The commands of the documents, those of npm among them.
cargo test --quiet --package actorstream-tests --test commands
