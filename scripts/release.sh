#!/usr/bin/env bash
# Makes the files of a release in dist/: the board's files, the page, the command as a .deb and as an npm package, checksums, a
# list of what is linked in (SPDX), and notes. The same commit on the same system: the same bytes, whatever the folder.
#   scripts/release.sh            builds what is missing, then writes dist/
#   SOURCE_DATE_EPOCH=SECONDS     the date in the files; default: the commit's
# dist/RELEASE.md is about the files of this version: their sizes, and how fast they are on the virtual board.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in
  '') ;;
  -h | --help) sed -n '/^set /q; 2,$s/^# \{0,1\}//p' scripts/release.sh; exit ;;
  *) echo "unknown argument $1; see scripts/release.sh --help" >&2; exit 2 ;;
esac
scripts/setup.sh --web
scripts/moved-builds.sh
. scripts/progress.sh
mkdir -p build/logs
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)} LC_ALL=C TZ=UTC
umask 022
version=$(sed -n 's/^project(pico_llama VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
# Preset and name of each board.
boards="firmware:pico-plus-2-w firmware-plus2:pico-plus-2 firmware-pga2350:pga2350 firmware-pico2:pico-2"

command_build() {
  local preset=command
  ! grep -qs '^PICO_LLAMA_TESTS:.*=ON' build/host/CMakeCache.txt || preset=host
  cmake --preset $preset && cmake --build --preset $preset --target pico-llama -j "$(nproc)"
}
firmware_builds() {
  local board
  for board in $boards; do
    cmake --preset "${board%:*}" && cmake --build --preset "${board%:*}" -j "$(nproc)" || return 1
  done
}
progress "release: building the pico-llama command" build/logs/command.log command_build || exit 1
progress "release: building the firmware of four boards" build/logs/firmware.log firmware_builds || exit 1
progress "release: building the page and the npm package" build/logs/page.log scripts/build-page.sh || exit 1

pico_llama=build/host/tools/pico-llama
dist=$PWD/dist
rm -rf "$dist"
mkdir -p "$dist"
for board in $boards; do
  name=pico-llama-${board#*:}-$version
  cp "build/${board%:*}/firmware.uf2" "$dist/$name.uf2"
  "$pico_llama" uf2 "build/${board%:*}/firmware.elf" build/page/model.plm -o "$dist/$name-story.uf2" 2>>build/logs/release.log
done
cp -r build/web "$dist/page"
(cd build/npm && npm pack --silent --pack-destination "$dist" >/dev/null)
scripts/release_files.py deb "$pico_llama" "$version" "$dist"
scripts/release_files.py zip "$dist/page" "$dist/pico-llama-page-$version.zip"
scripts/release_files.py sbom "$version" "$dist/pico-llama-$version.spdx.json"
scripts/release_files.py notes "$pico_llama" "$version" "$dist"
(cd "$dist" && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs -d '\n' sha256sum >SHA256SUMS)
echo "release: $(wc -l <"$dist/SHA256SUMS") files of $version in dist/" >&2
