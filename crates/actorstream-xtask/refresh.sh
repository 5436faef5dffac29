#!/usr/bin/env bash
# Reads the schemas of the API anew from a version of its official Python package, writes the types that are made of them,
# and says what is new, gone or changed:
#
#     crates/actorstream-xtask/refresh.sh 3.57.0
#
# Stops, and changes nothing, where two types would have one name: src/type_names.rs has the table of names.
set -euo pipefail
version=${1:?usage: refresh.sh VERSION, a version of the Python package openai}
cd "$(dirname "$0")/../.."

packages=${CARGO_TARGET_DIR:-target}/openai-$version
if [ ! -e "$packages/installed" ]; then
    python3 -m venv "$packages"
    "$packages/bin/pip" install --quiet --disable-pip-version-check "openai==$version"
    touch "$packages/installed"
fi
"$packages/bin/python" crates/actorstream-xtask/schemas.py >"$packages/schemas.json"
cargo run --quiet -p actorstream-xtask -- refresh "$packages/schemas.json"
