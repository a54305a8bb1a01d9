#!/usr/bin/env bash
# Installs what this project needs on Debian 12 or 13: compilers and libraries with apt, and the Pico SDK
# into .deps/ of this folder. Safe to run again; does nothing if everything is present.
#   scripts/setup.sh            what run.sh needs: the pico-llama command and the firmware
#   scripts/setup.sh --tests    what test.sh needs as well, npm's openai client among it
#   scripts/setup.sh --web      what the page needs as well: a compiler and libraries for WebAssembly, Node and npm
#   scripts/setup.sh --arm64    what scripts/test-arm64.sh needs: a cross compiler, the libraries for arm64, an emulator
#   scripts/setup.sh --check [--tests | --web | --arm64]    only lists what is missing (exit 1 if anything is)
#   PICO_SDK_PATH=FOLDER        a Pico SDK of your own, 2.1.1 or later, instead of Debian's
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/progress.sh

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
check=no tests=no web=no arm64=no
for argument; do
  case $argument in
    --check) check=yes ;;
    --tests) tests=yes web=yes ;;
    --web) web=yes ;;
    --arm64) arm64=yes ;;
    -h | --help) sed -n '/^set /q; 2,$s/^# \{0,1\}//p' scripts/setup.sh; exit ;;
    *) say "unknown argument $argument; see scripts/setup.sh --help"; exit 2 ;;
  esac
done

# "purpose: packages". DESIGN.md ("Libraries") gives the purpose of each library. The firmware needs libstdc++'s headers only; the
# library (libstdc++-arm-none-eabi-newlib) would be 2 GB.
headers="libcli11-dev nlohmann-json3-dev libeigen3-dev"  # the same for every architecture
libraries="libfmt-dev libcapstone-dev libelf-dev libdw-dev libserialport-dev libmd-dev libhwy-dev libcpp-httplib-dev"
groups=(
  "compiler and build tools of the PC: g++ cmake ninja-build ccache pkgconf python3"
  "libraries of the pico-llama command: $headers $libraries"
  "compiler and C library of the firmware: gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-dev"
)
test_groups=(
  "tests and benchmarks: libgtest-dev libbenchmark-dev git curl"
  "serial clients for the virtual board's port: picocom python3-serial"
  "independent Cortex-M33s: libunicorn-dev qemu-system-arm"
  "a debugger and a profile viewer for the virtual board: gdb-multiarch valgrind"
  "fuzzing, formatting, lint: clang clang-format clang-tidy"
  "a browser for the page's tests: chromium"
)
openai_version=5.23.2  # npm's openai client, without dependencies of its own
sdk_oldest=2.1.1      # and what Debian's package is
sdk_suite=trixie

have=$(dpkg-query -W -f '${db:Status-Status} ${Package} ${Package}:${Architecture}\n' 2>/dev/null | sed -n 's/^installed / /p') || true
installed() { case $have in *" $1"[[:space:]]* | *" $1") ;; *) false ;; esac; }
# clang's runtimes are packages of its own version.
clang=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\).*/\1/p' | head -1)
[ $tests = no ] || {
  groups+=("${test_groups[@]}")
  [ -z "$clang" ] || groups+=("libFuzzer: libclang-rt-$clang-dev")
}
[ $web = no ] || {
  # llvm for llvm-ar: Debian 12's lld wants an index in each archive, and binutils' ar makes none of WebAssembly.
  groups+=("WebAssembly: clang lld llvm wasi-libc")
  [ -z "$clang" ] || groups+=("libraries for WebAssembly: libc++-$clang-dev-wasm32 libc++abi-$clang-dev-wasm32 libclang-rt-$clang-dev-wasm32")
  # Unless there is one from elsewhere.
  command -v npm >/dev/null || groups+=("the page's tools, and npm's openai client for tests of HTTP: nodejs npm")
}
[ $arm64 = no ] || groups=(
  "cross compiler and build tools: g++-aarch64-linux-gnu cmake ninja-build ccache pkgconf python3"
  "libraries of the pico-llama command and its tests: $headers ${libraries//-dev/-dev:arm64} libgtest-dev:arm64"
  "emulator: qemu-user"
)
missing=() reasons=()
for group in "${groups[@]}"; do
  absent=()
  for name in ${group#*: }; do
    installed "$name" || absent+=("$name")
  done
  [ ${#absent[@]} -eq 0 ] || reasons+=("${group%%: *}: ${absent[*]}")
  missing+=("${absent[@]}")
done

# A Pico SDK of the user's own is never replaced, only refused.
sdk_ready() {
  [ -n "${PICO_SDK_PATH:-}" ] || { [ -f .deps/pico-sdk/pico_sdk_init.cmake ] && [ -f .deps/tinyusb/src/tusb.h ]; return; }
  [ -f "$PICO_SDK_PATH/pico_sdk_version.cmake" ] \
    || die "PICO_SDK_PATH=$PICO_SDK_PATH holds no Pico SDK; correct it, or unset it to use Debian's"
  local version
  version=$(sed -n 's/^ *set(PICO_SDK_VERSION_\(MAJOR\|MINOR\|REVISION\) \([0-9]*\)).*/\2/p' \
    "$PICO_SDK_PATH/pico_sdk_version.cmake" | paste -sd.)
  [ "$(printf '%s\n' "$sdk_oldest" "$version" | sort -V | head -1)" = "$sdk_oldest" ] \
    || die "the Pico SDK in PICO_SDK_PATH=$PICO_SDK_PATH is $version; $sdk_oldest or later is needed (unset it to use Debian's)"
  [ -f "$PICO_SDK_PATH/lib/tinyusb/src/tusb.h" ] || [ -n "${PICO_TINYUSB_PATH:-}" ] || [ -f .deps/tinyusb/src/tusb.h ] \
    || die "the Pico SDK in PICO_SDK_PATH=$PICO_SDK_PATH has no TinyUSB; git -C \"\$PICO_SDK_PATH\" submodule update --init lib/tinyusb"
}

sdk=ready openai=ready page=ready
page_lock=web/node_modules/.installed-lock.json  # the lock file that these were installed from
[ $arm64 = yes ] || sdk_ready || sdk=missing
[ $tests = no ] || grep -qs "\"version\": \"$openai_version\"" .deps/npm/node_modules/openai/package.json || openai=missing
[ $web = no ] || cmp -s web/package-lock.json $page_lock || page=missing
if [ $check = yes ]; then
  [ ${#missing[@]} -eq 0 ] || say "missing packages: ${missing[*]}"
  [ $sdk = ready ] || say "missing: Pico SDK (set PICO_SDK_PATH, or run scripts/setup.sh)"
  [ $openai = ready ] || say "missing: npm's openai client (run scripts/setup.sh --tests)"
  [ $page = ready ] || say "missing: the page's tools from npm (run scripts/setup.sh --web)"
  [ ${#missing[@]} -eq 0 ] && [ $sdk$openai$page = readyreadyready ]
  exit
fi

log=build/logs/setup.log
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || die "this is not a Debian machine; install the equivalents of: ${missing[*]}"
  sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "neither root nor sudo; ask for these to be installed: apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  say "these Debian packages are missing; installing them with ${sudo[*]:+sudo }apt-get"
  printf 'setup:   %s\n' "${reasons[@]}" >&2
  # The password, if one is asked for, before the first line of progress.
  [ ${#sudo[@]} -eq 0 ] || sudo true || die "sudo refuses; ask for these to be installed: apt-get install ${missing[*]}"
  # The status lines come through a file description of their own: apt makes it non-blocking, which dpkg's output must not
  # be, and sudo would close a third one that it is handed.
  apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive sh -c 'exec apt-get "$@" 3>/dev/stdout' apt-get
    -q -y -o Dpkg::Use-Pty=0 -o APT::Status-Fd=3)
  if [ $arm64 = yes ] && ! dpkg --print-foreign-architectures | grep -qx arm64; then
    say "packages of arm64 beside those of this machine: ${sudo[*]:+sudo }dpkg --add-architecture arm64"
    "${sudo[@]}" dpkg --add-architecture arm64
  fi
  progress "setup: reading the package lists" $log "${apt[@]}" update || say "trying with the package lists there are"
  size=$(LC_ALL=C apt-get install --print-uris -y --no-install-recommends "${missing[@]}" 2>&1 | sed -n \
    -e 's/^[0-9]* upgraded, \([0-9]*\) newly installed.*/\1 packages with all they depend on, /p' \
    -e 's/^Need to get \(.*\) of archives.*/\1 to download, /p' \
    -e 's/^After this operation, \(.*\) of additional disk space.*/\1 on disk/p' | tr -d '\n')
  [ -z "$size" ] || say "$size"
  install=(--no-install-recommends install "${missing[@]}")
  progress "setup: downloading them" $log "${apt[@]}" --download-only "${install[@]}" \
    && progress "setup: installing them" $log "${apt[@]}" "${install[@]}" \
    || die "apt-get could not install them; its messages are in $log"
fi

# The Pico SDK, from Debian 13's source packages (Architecture: all, so any Debian can unpack them), through
# the machine's own mirror with a package list and state of our own: the system's apt setup is not touched.
get_sdk() {
  mkdir -p .deps/apt/lists/partial .deps/apt/cache/archives/partial .deps/download
  local root=$PWD/.deps deb
  cat > .deps/apt/sources.list <<SOURCES
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $sdk_suite main
SOURCES
  local apt_private=(-o Dir::Etc::sourcelist="$root/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists="$root/apt/lists" -o Dir::Cache="$root/apt/cache" -o Debug::NoLocking=1
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none)
  apt-get "${apt_private[@]}" update -q || { echo "cannot read the $sdk_suite package list"; return 1; }
  (cd .deps/download && apt-get "${apt_private[@]}" download -q pico-sdk-source tinyusb-source) \
    || { echo "cannot download pico-sdk-source and tinyusb-source"; return 1; }
  rm -rf .deps/unpack && mkdir .deps/unpack
  for deb in .deps/download/*.deb; do dpkg-deb -x "$deb" .deps/unpack || return 1; done
  local sdk usb
  sdk=$(dirname "$(find .deps/unpack -name pico_sdk_init.cmake | head -1)")
  usb=$(dirname "$(dirname "$(find .deps/unpack -path '*/src/tusb.h' | head -1)")")
  [ -f "$sdk/pico_sdk_init.cmake" ] && [ -f "$usb/src/tusb.h" ] \
    || { echo "the packages hold no Pico SDK or TinyUSB"; return 1; }
  rm -rf .deps/pico-sdk .deps/tinyusb
  mv "$sdk" .deps/pico-sdk && mv "$usb" .deps/tinyusb || return 1
  rm -rf .deps/unpack .deps/download .deps/apt
}
if [ $sdk = missing ]; then
  mirror=$(apt-get indextargets --format '$(SITE) $(CREATED_BY) $(ORIGIN)' 2>/dev/null | awk '$2=="Packages" && $3=="Debian" && $1 !~ /security/{print $1; exit}')
  [ -n "$mirror" ] || die "no Debian mirror among this machine's apt sources; set PICO_SDK_PATH to a Pico SDK >= $sdk_oldest"
  progress "setup: getting the Pico SDK $sdk_oldest from the Debian mirror into .deps/ (4 MB)" $log get_sdk \
    || die "no Pico SDK; set PICO_SDK_PATH to one, $sdk_oldest or later"
fi
if [ $openai = missing ]; then
  mkdir -p .deps/npm
  npm=(npm install --prefix .deps/npm --no-audit --no-fund --ignore-scripts --no-save "openai@$openai_version")
  # Its test says that it is skipped; all others go on.
  progress "setup: getting npm's openai client $openai_version into .deps/ (5 MB)" $log "${npm[@]}" \
    || say "no openai client from npm; its test will be skipped"
fi
get_page_tools() { npm ci --prefix web && cp web/package-lock.json $page_lock; }
if [ $page = missing ]; then
  if ! progress "setup: getting the page's tools from npm into web/node_modules (154 MB)" $log get_page_tools; then
    [ $tests = yes ] || die "the page cannot be built without its tools from npm; try again with a network"
    say "no tools for the page from npm; its tests will be skipped"
  fi
fi
