#!/usr/bin/env bash
# Tests the pico-llama command for 64-bit Arm (such as a Raspberry Pi) on another Debian machine: builds it, generates a story,
# runs the tests of engine, formats and tools, and compares digests of its logits with the recorded ones.
#   scripts/test-arm64.sh
# Debian's cross compiler runs natively (emulated, it would take some ten times as long); the programs run under qemu-user, without
# binfmt registration. Omitted: the suites of the virtual board and the trainer, which are slow even without emulation, and of the
# firmware, which does not depend on the host.
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
