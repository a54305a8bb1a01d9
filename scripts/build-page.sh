#!/usr/bin/env bash
# Builds the page into build/web, from build/host's pico-llama and build/firmware: static files for any web server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p build/page
pico_llama=build/host/tools/pico-llama
[ -d web/node_modules/esbuild ] || { echo "build-page: no tools from npm; run scripts/setup.sh --web" >&2; exit 1; }
cmake --preset wasm
cmake --build --preset wasm -j "$(nproc)"
cp build/firmware/firmware.uf2 build/page/firmware.uf2
"$pico_llama" pack models/pico-tales.bin -z models/pico-tales.tok.bin --profile q8 -o build/page/model.plm
"$pico_llama" uf2 build/firmware/firmware.elf build/page/model.plm -o build/page/story.uf2
node web/build.mjs --wasm "$PWD/build/wasm/web/wasm/pico-llama.wasm" --firmware "$PWD/build/page/firmware.uf2" \
  --story "$PWD/build/page/story.uf2" --out "$PWD/build/web" --cli "$PWD/build/npm"
