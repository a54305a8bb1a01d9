#!/usr/bin/env bash
# The main job, from a fresh clone: sets up, builds, and streams a story.
#   ./run.sh ["a prompt"]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
prompt=${1:-Once upon a time}

scripts/setup.sh
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { "$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; echo "run.sh: that failed: $*" >&2; exit 1; }; }
echo "building (about a minute the first time)" >&2
quietly cmake --preset host
quietly cmake --build --preset host --target pico-llama -j "$(nproc)"
models=$(scripts/get-models.sh)
exec build/host/tools/pico-llama run "$models/stories260K.bin" -z "$models/tok512.bin" -i "$prompt"
