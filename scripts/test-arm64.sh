#!/usr/bin/env bash
# The pico-llama command on 64-bit Arm (a Raspberry Pi, say), tried on another Debian machine: builds it and tells a story
# with it, then runs the tests of engine, formats and tools, and compares the bits of its logits with those on record.
#   scripts/test-arm64.sh
# The compiler is Debian's cross compiler and runs natively: emulated it would take some ten times as long. Emulated, by
# qemu-user, is all that it makes, each program by itself: nothing is registered with the kernel.
# Left out: the virtual board's and the trainer's suites, which are long without emulation, and the firmware's, which are the
# same on every host.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/progress.sh

case ${1:-} in
  '') ;;
  -h | --help) sed -n '/^set /q; 2,$s/^# \{0,1\}//p' scripts/test-arm64.sh; exit ;;
  *) echo "test-arm64: unknown argument $1; see scripts/test-arm64.sh --help" >&2; exit 2 ;;
esac

scripts/setup.sh --arm64
log=build/logs/arm64.log
rm -f $log
build() { cmake --preset arm64 && cmake --build --preset arm64 -j "$(nproc)"; }
progress "test-arm64: building the command and its tests" $log build
file=$(aarch64-linux-gnu-readelf -h build/arm64/tools/pico-llama | sed -n 's/ *Machine: *//p')
echo "test-arm64: pico-llama for $file tells a story" >&2
build/arm64/tests/pico-llama run models/pico-tales.bin -t 0 -n 64 -i "Once upon a time"
ctest --preset arm64 -LE long -j "$(nproc)"
