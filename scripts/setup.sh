#!/usr/bin/env bash
# Installs what this project needs on Debian 12 or 13: compilers and libraries with apt, and the Pico SDK
# into .deps/ of this folder. Safe to run again; does nothing where everything is there.
#   scripts/setup.sh            everything run.sh and test.sh need
#   scripts/setup.sh --check    only says what is missing (exit 1 if anything is)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
case ${1:-} in
  "" | --check) [ $# -le 1 ] || { say "too many arguments; see scripts/setup.sh --help"; exit 2; } ;;
  -h | --help) sed -n '/^set /q; 2,$s/^# \{0,1\}//p' scripts/setup.sh; exit ;;
  *) say "unknown argument $1; see scripts/setup.sh --help"; exit 2 ;;
esac

# package:why. DESIGN.md ("Libraries") says more of those that the code uses.
packages=(
  build-essential:"host compiler"
  cmake:"build system" ninja-build:"build back end" ccache:"rebuilds in seconds" git:"version stamp"
  python3:"scripts, the independent SPEC.md reader" python3-serial:"a real serial client for tests"
  picocom:"a real serial terminal for tests"
  libcli11-dev:"command line" libfmt-dev:"formatting" nlohmann-json3-dev:"JSON"
  libgtest-dev:"tests" libbenchmark-dev:"benchmarks"
  libcapstone-dev:"disassembly" libelf-dev:"ELF files" libdw-dev:"source lines of a profile" libunicorn-dev:"independent Cortex-M33"
  libhwy-dev:"SIMD of the PC's kernels"
  libserialport-dev:"finding the board's serial port" libeigen3-dev:"the trainer's matrix products"
  libpng-dev:"the trainer's loss curve as a picture"
  gcc-arm-none-eabi:"firmware compiler" libnewlib-arm-none-eabi:"its C library"
  libstdc++-arm-none-eabi-newlib:"its C++ library"
  qemu-system-arm:"independent Cortex-M33 machine" gdb-multiarch:"the virtual board's gdb test"
  valgrind:"callgrind_annotate, for the test of --profile" clang:"libFuzzer" clang-format:"house format" clang-tidy:"lint"
)
sdk_version=2.1.1     # the last that builds with Debian 12's newlib compiler
sdk_suite=trixie

missing=()
for entry in "${packages[@]}"; do
  name=${entry%%:*}
  dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
done
# libFuzzer's runtime is a package of clang's own version.
clang_major=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\).*/\1/p' | head -1)
if [ -n "$clang_major" ]; then
  rt=libclang-rt-$clang_major-dev
  dpkg-query -W -f '${Status}' "$rt" 2>/dev/null | grep -q 'ok installed' || missing+=("$rt")
fi

sdk_ready() {
  [ -n "${PICO_SDK_PATH:-}" ] && [ -f "$PICO_SDK_PATH/pico_sdk_init.cmake" ] && return 0
  [ -f .deps/pico-sdk/pico_sdk_init.cmake ] && [ -f .deps/tinyusb/src/tusb.h ]
}

if [ "${1:-}" = --check ]; then
  [ ${#missing[@]} -eq 0 ] || say "missing packages: ${missing[*]}"
  sdk_ready || say "missing: Pico SDK (set PICO_SDK_PATH, or run scripts/setup.sh)"
  [ ${#missing[@]} -eq 0 ] && sdk_ready
  exit
fi

if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || die "this is not a Debian machine; install the equivalents of: ${missing[*]}"
  sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "neither root nor sudo; ask for these to be installed: apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  say "installing with ${sudo[*]} apt-get: compilers, libraries and test tools of this project"
  say "  ${missing[*]}"
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq \
    || say "apt-get update had errors; trying with the package lists there are"
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 \
    || die "apt-get could not install them; see its message above"
fi

# The Pico SDK, from Debian 13's source packages (Architecture: all, so any Debian can unpack them), through
# the machine's own mirror with a package list and state of our own: the system's apt setup is not touched.
if ! sdk_ready; then
  mirror=$(apt-get indextargets --format '$(SITE) $(CREATED_BY) $(ORIGIN)' 2>/dev/null | awk '$2=="Packages" && $3=="Debian" && $1 !~ /security/{print $1; exit}')
  [ -n "$mirror" ] || die "no Debian mirror among this machine's apt sources; set PICO_SDK_PATH to a Pico SDK >= 2.1.1"
  say "getting the Pico SDK $sdk_version from the Debian mirror, into .deps/"
  mkdir -p .deps/apt/lists/partial .deps/apt/cache/archives/partial .deps/download
  root=$PWD/.deps
  cat > .deps/apt/sources.list <<SOURCES
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $sdk_suite main
SOURCES
  apt_private=(-o Dir::Etc::sourcelist="$root/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists="$root/apt/lists" -o Dir::Cache="$root/apt/cache" -o Debug::NoLocking=1
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none)
  apt-get "${apt_private[@]}" update -qq || die "cannot read the $sdk_suite package list; set PICO_SDK_PATH instead"
  (cd .deps/download && apt-get "${apt_private[@]}" download -qq pico-sdk-source tinyusb-source) \
    || die "cannot download pico-sdk-source; set PICO_SDK_PATH instead"
  rm -rf .deps/unpack && mkdir .deps/unpack
  for deb in .deps/download/*.deb; do dpkg-deb -x "$deb" .deps/unpack; done
  sdk=$(dirname "$(find .deps/unpack -name pico_sdk_init.cmake | head -1)")
  usb=$(dirname "$(dirname "$(find .deps/unpack -path '*/src/tusb.h' | head -1)")")
  [ -f "$sdk/pico_sdk_init.cmake" ] && [ -f "$usb/src/tusb.h" ] || die "the packages hold no Pico SDK or TinyUSB"
  rm -rf .deps/pico-sdk .deps/tinyusb
  mv "$sdk" .deps/pico-sdk
  mv "$usb" .deps/tinyusb
  rm -rf .deps/unpack .deps/download .deps/apt
fi
say "ready"
