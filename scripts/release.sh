#!/usr/bin/env bash
# Makes the files of a release in dist/: the board's files, the page, the command as a .deb and as an npm package, checksums, a
# list of what is linked in (SPDX), and notes. The same commit on the same system: the same bytes, whatever the folder.
#   scripts/release.sh            builds what is missing, then writes dist/ anew; on Debian, whose dpkg makes the .deb
#   SOURCE_DATE_EPOCH=SECONDS     the date in the files; default: the commit's
# dist/RELEASE.md is about the files of this version: their commit and sizes, and how fast they are on the virtual board. Changes that
# are not committed are built too; it says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in
  '') ;;
  -h | --help) sed -n '/^set /q; 2,$s/^# \{0,1\}//p' scripts/release.sh; exit ;;
  *) echo "unknown argument $1; see scripts/release.sh --help" >&2; exit 2 ;;
esac
die() { echo "release: $*" >&2; exit 1; }
command -v dpkg-deb >/dev/null || die "no dpkg-deb: a release is made on Debian, for its .deb and the versions in the SPDX list"
commit=$(git describe --always --abbrev=12 --exclude '*' --dirty='-dirty' 2>/dev/null) || commit=
[ -n "${SOURCE_DATE_EPOCH:-}" ] || SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null) ||
  die "no commit's date here: git cannot read this folder; set SOURCE_DATE_EPOCH to the seconds since 1970 to be written"
case $SOURCE_DATE_EPOCH in *[!0-9]*) die "SOURCE_DATE_EPOCH is '$SOURCE_DATE_EPOCH'; it must be whole seconds since 1970" ;; esac
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
unset PICO_BOARD CFLAGS CXXFLAGS LDFLAGS
umask 022
scripts/setup.sh --web
scripts/moved-builds.sh
. scripts/progress.sh
mkdir -p build/logs
case $commit in *-dirty) echo "release: the tree has changes that are not committed; they are built too" >&2 ;; esac
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
    # As released, whatever this folder was configured for.
    cmake --preset "${board%:*}" -DPICO_LLAMA_CLK_SYS_MHZ=150 -DPICO_LLAMA_RADIO_LED=OFF && cmake --build --preset "${board%:*}" -j "$(nproc)" || return 1
  done
}
progress "release: building the pico-llama command" build/logs/command.log command_build || exit 1
progress "release: building the firmware of four boards" build/logs/firmware.log firmware_builds || exit 1
progress "release: building the page and the npm package" build/logs/page.log scripts/build-page.sh || exit 1

pico_llama=build/host/tools/pico-llama
# Whole or not at all: an interrupted run leaves the dist/ of before.
dist=$PWD/build/dist
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
progress "release: telling a story on each virtual board" build/logs/release.log \
  scripts/release_files.py notes "$pico_llama" "$version" "$dist" "${commit:-unknown}" || exit 1
(cd "$dist" && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs -d '\n' sha256sum >SHA256SUMS)
rm -rf dist
mv "$dist" dist
echo "release: $(wc -l <dist/SHA256SUMS) files of $version in dist/" >&2
