#!/usr/bin/env bash
# The main job, from a fresh clone: sets up, builds the firmware and the virtual board, drags firmware and model
# onto it, types a prompt over USB serial and shows the story as it streams out.
#   ./run.sh                       a story that begins with "Once upon a time"
#   ./run.sh --prompt "The old fox"    one that begins with your words (the option's name may be left out)
#   ./run.sh --interactive         the board's console is this terminal (Ctrl-] leaves)
#   ./run.sh --profile f32|q8      how the model's numbers are stored (default q8)
#   ./run.sh --clock MHZ           133 (fastest bus within all ratings), 150 (default), 200, 250 or 300 (overclocked)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
usage() { echo "usage: ./run.sh [--interactive] [--profile f32|q8] [--clock 133|150|200|250|300] [[--prompt] \"a prompt\"]" >&2; exit 2; }
prompt="Once upon a time" profile=${PROFILE:-q8} clock=150 interactive=
while [ $# -gt 0 ]; do
  case "$1" in
    --interactive) interactive=1 ;;
    --prompt | --profile | --clock) [ $# -ge 2 ] || usage; printf -v "${1#--}" '%s' "$2"; shift ;;
    -*) usage ;;
    *) prompt=$1 ;;
  esac
  shift
done
case "$profile" in f32 | q8) ;; *) echo "run.sh: the profile is '$profile'; it must be f32 or q8" >&2; exit 2 ;; esac
case "$clock" in 133 | 150 | 200 | 250 | 300) ;; *) echo "run.sh: the clock is '$clock'; it must be 133, 150, 200, 250 or 300" >&2; exit 2 ;; esac

scripts/setup.sh
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { "$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; echo "run.sh: that failed: $*" >&2; exit 1; }; }
echo "run: building the pico-llama command and the firmware (a few minutes the first time)" >&2
quietly cmake --preset host
quietly cmake --build --preset host --target pico-llama -j "$(nproc)"
firmware=build/firmware
[ "$clock" = 150 ] || firmware=build/firmware-${clock}mhz
quietly cmake --preset firmware -B "$firmware" -DPICO_LLAMA_CLK_SYS_MHZ="$clock"
quietly cmake --build "$firmware" -j "$(nproc)"

models=$(scripts/get-models.sh)
pico_llama=build/host/tools/pico-llama
"$pico_llama" pack "$models/stories260K.bin" -z "$models/tok512.bin" --profile "$profile" \
  -o "build/stories260K-$profile.uf2" >&2

board=("$pico_llama" simulate "$firmware/firmware.uf2" "build/stories260K-$profile.uf2")
echo "run: booting firmware.uf2 and stories260K-$profile.uf2 on the virtual board" >&2
if [ -n "$interactive" ]; then
  "${board[@]}"
else
  # The story's last line has its speed: simulated, at the clock that was asked for.
  "${board[@]}" --send "$prompt" --expect "tok/s" --expect $'\n> ' --max-seconds 120
  echo
  echo "run: the speed above is the virtual board's at $clock MHz (simulated cycles, not a measurement on hardware)" >&2
fi
