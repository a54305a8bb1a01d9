#!/usr/bin/env bash
# Builds the page into build/web, from build/host's pico-llama and build/firmware, and with the firmware of other boards that was
# built: static files for any web server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p build/page
pico_llama=build/host/tools/pico-llama
[ -d web/node_modules/esbuild ] || { echo "build-page: no tools from npm; run scripts/setup.sh --web" >&2; exit 1; }
cmake --preset wasm
cmake --build --preset wasm -j "$(nproc)"
rm -f build/page/firmware*.uf2
cp build/firmware/firmware.uf2 build/page/firmware.uf2
# Of those that were built once, the present sources': the page offers one version.
for board in firmware-plus2:pico-plus-2 firmware-pga2350:pga2350 firmware-pico2:pico-2; do
  [ -f "build/${board%:*}/firmware.uf2" ] || continue
  cmake --build "build/${board%:*}" -j "$(nproc)"
  cp "build/${board%:*}/firmware.uf2" "build/page/firmware-${board#*:}.uf2"
done
"$pico_llama" pack models/pico-tales.bin -z models/pico-tales.tok.bin --profile q8 -o build/page/model.plm
"$pico_llama" uf2 build/firmware/firmware.elf build/page/model.plm -o build/page/story.uf2
node web/build.mjs --wasm "$PWD/build/wasm/web/wasm/pico-llama.wasm" --firmware "$PWD/build/page/firmware.uf2" \
  --boards "$PWD/build/page" \
  --story "$PWD/build/page/story.uf2" --out "$PWD/build/web" --cli "$PWD/build/npm"
