#!/usr/bin/env bash
# Builds everything and runs every test; ends with `N passed, N failed, N skipped`, and the reason for each skip.
#   ./test.sh              the standard suite: 30 minutes of CPU time from a fresh clone
#   ./test.sh --long       the longer suites as well
#   ./test.sh --no-skips   a skipped test is a failure, unless this machine's processor or a chip's boot ROM is the reason
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

exclude=(-LE long)
count=()
for argument; do
  case $argument in
    --long) exclude=() ;;
    --no-skips) count=(--no-skips) ;;
    -h | --help) sed -n '/^set /q; 2,$s/^# \{0,1\}//p' test.sh; exit ;;
    *) echo "unknown argument $argument; see ./test.sh --help" >&2; exit 2 ;;
  esac
done

scripts/setup.sh --tests || exit 1
scripts/moved-builds.sh
jobs=$(nproc)
# The firmware presets compile many files to the same object: ccache finds it under another preset's folder, since paths are
# taken relative to this tree (and none is in the objects: -ffile-prefix-map).
export CCACHE_BASEDIR=${CCACHE_BASEDIR-$PWD} CCACHE_NOHASHDIR=1
results=build/test-results
rm -rf "$results" && mkdir -p "$results"

# Builds and tests append their seconds of processor time to a file, which is shown at the end.
cpu_seconds() { # NAME COMMAND...
  local name=$1 code
  shift
  local TIMEFORMAT="%U %S"
  { time "$@" >&3 2>&4; } 3>&1 4>&2 2>"$results/time"
  code=$?
  awk -v name="$name" '{ printf "%6.0f s  %s\n", $1 + $2, name }' "$results/time" >>"$results/cpu"
  return $code
}

# A part that does not build is a failure that is counted, and the rest is still tested.
build() { # NAME COMMAND...: runs COMMAND quietly; its output is shown when it fails
  local name=$1 log=$results/build-$1.log
  shift
  printf '== build %s\n' "$name"
  if cpu_seconds "build $name" "$@" >"$log" 2>&1; then
    echo pass >"$results/build-$name.step"
  else
    tail -n 60 "$log"
    echo fail >"$results/build-$name.step"
  fi
}
preset() { cmake --preset "$1" && cmake --build --preset "$1" -j "$jobs" -- -k 0; }
standalone() { cmake -G Ninja -S "$1" -B "$2" "${@:3}" && cmake --build "$2" -j "$jobs" -- -k 0; }
# Each ctest entry is counted from ctest's own JUnit report.
run_tests() { # PRESET
  printf '== test %s\n' "$1"
  cpu_seconds "test $1" ctest --preset "$1" -j "$jobs" "${exclude[@]}" --progress --output-junit "$PWD/$results/$1.xml" | tail -n 200
}

build host preset host
for image in firmware firmware-pico2 firmware-plus2 firmware-pga2350 firmware-133mhz firmware-266mhz; do
  build "$image" preset "$image"
done
[ ! -d web/node_modules/esbuild ] || build page scripts/build-page.sh  # without, its tests say that they are skipped
build sdk-tests standalone tests/target/sdk build/sdk-tests
build m33-qemu preset m33-qemu
build host-asan preset host-asan

run_tests host
run_tests host-asan

echo "== processor time" && cat "$results/cpu"
python3 scripts/count_tests.py "$results" "${count[@]}"
