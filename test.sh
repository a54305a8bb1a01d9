#!/usr/bin/env bash
# Builds everything and runs every test; ends with `N passed, N failed, N skipped`.
#   ./test.sh           what a change needs, within 25 minutes on two cores
#   ./test.sh --long    the longer suites as well
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() { echo "usage: ./test.sh [--long]" >&2; exit 2; }
exclude=(-LE long)
case "${1:-}" in
  "") ;;
  --long) exclude=() ;;
  *) usage ;;
esac
[ $# -le 1 ] || usage

scripts/setup.sh || exit 1
jobs=$(nproc)
results=build/test-results
rm -rf "$results" && mkdir -p "$results"

# A part that does not build is a failure that is counted, and the rest is still tested.
build() { # NAME COMMAND...: runs COMMAND quietly; its output is shown when it fails
  local name=$1 log=$results/build-$1.log
  shift
  printf '== build %s\n' "$name"
  if "$@" >"$log" 2>&1; then
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
  ctest --preset "$1" -j "$jobs" "${exclude[@]}" --progress --output-junit "$PWD/$results/$1.xml" | tail -n 200
}

build host preset host
for image in firmware firmware-pico2 firmware-plus2 firmware-pga2350 firmware-133mhz; do
  build "$image" preset "$image"
done
build sdk-tests standalone tests/target/sdk build/sdk-tests
build m33-qemu preset m33-qemu
build host-asan preset host-asan

run_tests host
run_tests host-asan

python3 scripts/count_tests.py "$results"
