#!/usr/bin/env bash
# The main job, from a fresh clone: sets up, builds the firmware and the virtual board, drags firmware and model
# onto it, types a prompt over USB serial and shows the story as it streams out.
#   ./run.sh                 a story that begins with "Once upon a time"
#   ./run.sh "The old fox"   one that begins with your words
#   ./run.sh --interactive   the board's console is this terminal (Ctrl-] leaves)
# PROFILE=f32|q8 chooses the numeric profile (default q8).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
profile=${PROFILE:-q8}
case "$profile" in f32 | q8) ;; *) echo "run.sh: PROFILE is '$profile'; it must be f32 or q8" >&2; exit 2 ;; esac
[ $# -le 1 ] || { echo "usage: ./run.sh [--interactive | \"a prompt\"]" >&2; exit 2; }

scripts/setup.sh
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { "$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; echo "run.sh: that failed: $*" >&2; exit 1; }; }
echo "run: building the pico-llama command and the firmware (a few minutes the first time)" >&2
quietly cmake --preset host
quietly cmake --build --preset host --target pico-llama -j "$(nproc)"
quietly cmake --preset firmware
quietly cmake --build --preset firmware -j "$(nproc)"

models=$(scripts/get-models.sh)
pico_llama=build/host/tools/pico-llama
"$pico_llama" pack "$models/stories260K.bin" -z "$models/tok512.bin" --profile "$profile" \
  -o "build/stories260K-$profile.uf2" >&2

board=("$pico_llama" simulate build/firmware/firmware.uf2 "build/stories260K-$profile.uf2")
echo "run: booting firmware.uf2 and stories260K-$profile.uf2 on the virtual board" >&2
if [ "${1:-}" = --interactive ]; then
  "${board[@]}"
else
  # The story's last line has its speed: simulated, at the board's 150 MHz.
  "${board[@]}" --send "${1:-Once upon a time}" --expect "tok/s" --expect $'\n> ' --max-seconds 120
  echo
  echo "run: the speed above is the virtual board's at 150 MHz (simulated cycles, not a measurement on hardware)" >&2
fi
