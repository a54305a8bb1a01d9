#!/usr/bin/env bash
# Makes the model that ships with the repository again, judges it and writes its card:
# models/pico-tales.bin, models/pico-tales.tok.bin, the figures in models/README.md.
#   scripts/make_shipped_model.sh [WORK_FOLDER]        killed? the same command goes on from the last checkpoint
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=${1:-build/shipped-model}
command=${PICO_LLAMA:-build/host/tools/pico-llama}
mkdir -p "$work"

[ -f "$work/stories.txt" ] || "$command" corpus --seed 1 --stories 120000 -o "$work/stories.txt"
resume=()
[ -f "$work/pico-tales.state" ] && resume=(--resume)
# The options are those of models/README.md.
"$command" train "$work/stories.txt" -o "$work/pico-tales" --steps 6000 --batch-tokens 8192 --learning-rate 6e-3 \
  --warmup 200 --threads 2 --checkpoint-every 100 --sample-every 600 "${resume[@]}" | tee "$work/train.out"

cp "$work/pico-tales.bin" "$work/pico-tales.tok.bin" models/
status=0
for profile in f32 q8; do
  python3 scripts/evaluate_stories.py models/pico-tales.bin -z models/pico-tales.tok.bin --corpus "$work/stories.txt" \
    --command "$command" --profile "$profile" --save "$work/written-$profile.txt" > "$work/figures-$profile.json" || status=1
done
"$command" eval models/pico-tales.bin -z models/pico-tales.tok.bin --profile q8 --json > "$work/eval-q8.json"
python3 scripts/fill_model_card.py "$work" || status=1
exit $status
