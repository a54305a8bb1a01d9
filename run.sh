#!/usr/bin/env bash
# The main job, from a fresh clone: sets up, builds the firmware and the virtual board, boots story.uf2 (firmware and
# model in one) on it, types a prompt over USB serial and shows the story as it streams out.
#   ./run.sh                          a story that begins with "Once upon a time"
#   ./run.sh --prompt "The old fox"   one that begins with your words (--prompt itself may be left out)
#   ./run.sh --interactive            the board's console is this terminal (Ctrl-] leaves)
#   ./run.sh --page                   the page with the virtual board, on this machine (PORT, default 8000)
#   --profile f32|q8|q4               how the weights are stored (default q8)
#   --clock MHZ                       150 (default), 133 (fastest bus within all ratings), 266 (that bus, overclocked cores), or
#                                     any other from 53 to 300 that the PLL makes
#   --model CHECKPOINT --tokenizer TOKENIZER      your own; default: stories260K if found, otherwise models/pico-tales
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
wrong() { echo "run.sh: $*; see ./run.sh --help" >&2; exit 2; }
path() { case $1 in /*) echo "$1" ;; *) echo "$caller/$1" ;; esac; }

profile=q8 clock=150 prompt="Once upon a time" prompted=no interactive=no page=no model='' tokenizer=''
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) sed -n '/^set /q; 2,$s/^# \{0,1\}//p' run.sh; exit ;;
    --interactive) interactive=yes; shift; continue ;;
    --page) page=yes; shift; continue ;;
    --profile | --clock | --prompt | --model | --tokenizer) [ $# -ge 2 ] || wrong "$1 needs a value" ;;
    -*) wrong "unknown option $1" ;;
    *) set -- --prompt "$@" ;;
  esac
  case $1 in
    --profile) profile=$2 ;;
    --clock) clock=$2 ;;
    --prompt)
      [ $prompted = no ] || wrong "more than one prompt; put the words into quotes"
      prompt=$2 prompted=yes ;;
    --model) model=$(path "$2") ;;
    --tokenizer) tokenizer=$(path "$2") ;;
  esac
  shift 2
done
case $profile in f32 | q8 | q4) ;; *) wrong "the profile is '$profile'; it must be f32, q8 or q4" ;; esac
case $clock in '' | *[!0-9]* | ?????*) wrong "the clock is '$clock'; it must be a whole number of megahertz, 53 to 300" ;; esac
case $prompt in *[[:cntrl:]]*) wrong "the prompt must be one line, without control characters" ;; esac
[ $interactive$prompted != yesyes ] || wrong "with --interactive, type the prompt at the board's console"
[ "${model:+given}" = "${tokenizer:+given}" ] || wrong "--model and --tokenizer go together"

if [ $page = yes ]; then scripts/setup.sh --web; else scripts/setup.sh; fi
why=$(cmake -DPICO_LLAMA_CLK_SYS_MHZ="$clock" -P firmware/clk_sys.cmake 2>&1) || wrong "the clock $(sed -n 's/^  *the clock //p' <<<"$why")"
scripts/moved-builds.sh
if [ -z "$model" ]; then
  if folder=$(scripts/get-models.sh --here); then
    model=$folder/stories260K.bin tokenizer=$folder/tok512.bin
  else
    model=models/pico-tales.bin tokenizer=models/pico-tales.tok.bin
  fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. scripts/progress.sh
mkdir -p build/logs
rm -f build/logs/command.log build/logs/firmware.log
preset=command
! grep -qs '^PICO_LLAMA_TESTS:.*=ON' build/host/CMakeCache.txt || preset=host  # a build with the tests keeps them
command_build() { cmake --preset $preset && cmake --build --preset $preset --target pico-llama -j "$(nproc)"; }
firmware=build/firmware
[ "$clock" = 150 ] || firmware=build/firmware-${clock}mhz
firmware_build() {
  cmake --preset firmware -B "$firmware" -DPICO_LLAMA_CLK_SYS_MHZ="$clock" && cmake --build "$firmware" -j "$(nproc)"
}
progress "run: building the pico-llama command" build/logs/command.log command_build || exit 1
progress "run: building the firmware" build/logs/firmware.log firmware_build || exit 1
if [ $page = yes ]; then
  progress "run: building the page" build/logs/page.log scripts/build-page.sh || exit 1
  rm -rf "$work"
  echo "run: the page is at http://localhost:${PORT:-8000}/ (Ctrl-C ends it); its files are in build/web" >&2
  exec python3 -m http.server "${PORT:-8000}" --bind 127.0.0.1 --directory build/web
fi

pico_llama=build/host/tools/pico-llama
"$pico_llama" pack "$model" -z "$tokenizer" --profile "$profile" -o build/story.plm >build/logs/pack.log
"$pico_llama" uf2 "$firmware/firmware.elf" build/story.plm -o build/story.uf2 2>build/logs/uf2.log ||
  { cat build/logs/uf2.log >&2; exit 1; }

echo "run: booting build/story.uf2 on the virtual board" >&2
if [ $interactive = yes ]; then
  "$pico_llama" simulate build/story.uf2
else
  typed=${prompt//\\/\\\\}  # --send takes \n, \xHH and the like
  case $prompt in /*) typed=/$typed ;; esac  # else it would be a command of the board's
  "$pico_llama" simulate build/story.uf2 --send "$typed" --expect "tok/s" --expect $'\n> ' --max-seconds 300 \
    --stats "$work/stats.json"
  echo
  python3 - "$work/stats.json" >&2 <<'SUMMARY'
import json, sys
stats = json.load(open(sys.argv[1]))
flash, psram = stats["qspi"]["flash"], stats["qspi"]["psram"]
print(f"run: from power-on {stats['simulated_seconds']:.2f} s at {stats['clk_sys_hz'] / 1e6:g} MHz, "
      f"{stats['instructions'] / 1e6:.1f} M instructions on two cores; read {flash['bytes_read'] / 1e6:.2f} MB of flash, "
      f"{psram['bytes_read'] / 1e6:.2f} MB of PSRAM")
print("run: all speeds are the virtual board's (simulated cycles); nobody has measured them on hardware yet")
SUMMARY
fi
