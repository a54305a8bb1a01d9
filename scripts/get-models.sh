#!/usr/bin/env bash
# Finds model files, or fetches them; prints the folder that holds them all.
#   scripts/get-models.sh [FOLDER/] [NAME...]      names default to: stories260K.bin tok512.bin
# Looks in: FOLDER if given, $PICO_LLAMA_MODELS, models/, ../shared/models. If none of them has every file, the missing
# ones are downloaded into models/ (never committed): models from Karpathy's tinyllamas, Llama 2's tokenizer.bin from his
# llama2.c; checked against their sha256, and resumed after a break.
#   scripts/get-models.sh stories15M.bin tokenizer.bin    all that the 15 million parameter model needs
#   scripts/get-models.sh --here [...]            only looks, downloads nothing; exit 1 without a word if a file is missing
#   PICO_LLAMA_MODELS_URL=URL   download from a mirror instead, which has all files as the catalogue below places them
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'get-models: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

tinyllamas=https://huggingface.co/karpathy/tinyllamas/resolve/main
llama2c=https://raw.githubusercontent.com/karpathy/llama2.c/350e04fe35433e6d2941dce5a1f53308f87058eb

# name, sha256, the address below which it lies, its place there
catalogue="
stories260K.bin b0a507e7ad0f626624f17112325e66691f9076d622e1d3274d103d00299f2696 $tinyllamas stories260K/stories260K.bin
tok512.bin      037cb335abb25d1fa9e8ecae30ed2a3a8ace9302862ebcdc05d51a6bbb10c312 $tinyllamas stories260K/tok512.bin
stories15M.bin  cd590644d963867a2b6e5a1107f51fad663c41d79c149fbecbbb1f95fa81f49a $tinyllamas stories15M.bin
stories42M.bin  9f65a1000e17d0bc167dd6332e0ce5119a0222a3d920cead5bce413bfab2ee7b $tinyllamas stories42M.bin
stories110M.bin 515267168726a1ed1317a64a408492e6af3b67c1f71c5bd98c01d9d721803a24 $tinyllamas stories110M.bin
tokenizer.bin   50a52ef822ee9e83de5ce9d0be0a025a773d019437f58b5ff9dcafb063ece361 $llama2c tokenizer.bin
"
catalogue_field() { awk -v name="$1" -v field="$2" '$1 == name { print $field }' <<<"$catalogue"; }

sha256_agrees() {  # PATH NAME: a file with a published sum must have it
  local wanted
  wanted=$(catalogue_field "$2" 2)
  [ -z "$wanted" ] || [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$wanted" ]
}

fetch() {  # NAME: into models/
  local place url part=models/$1.part attempts=afresh attempt code status meter=(--silent)
  place=$(catalogue_field "$1" 4)
  [ -n "$place" ] || die "$1: not in \$PICO_LLAMA_MODELS, models/ or ../shared/models, and no model this script knows; put it into models/"
  command -v curl >/dev/null || die "$1: not here, and curl is missing to download it: apt-get install curl"
  url=${PICO_LLAMA_MODELS_URL:-$(catalogue_field "$1" 3)}/$place
  mkdir -p models
  if [ -f "$part" ]; then
    if sha256_agrees "$part" "$1"; then mv "$part" "models/$1"; return; fi
    attempts="resume afresh"
  fi
  [ -t 2 ] && meter=(--progress-bar)
  say "downloading $1 from $url"
  for attempt in $attempts; do
    [ "$attempt" = resume ] || [ ! -f "$part" ] || rm "$part"
    code=0
    status=$(curl "${meter[@]}" --fail --location --continue-at - --retry 3 --connect-timeout 15 --speed-limit 100 --speed-time 60 \
      --output "$part" --write-out '%{http_code}' "$url") || code=$?
    case $code-$status in
      0-*) ! sha256_agrees "$part" "$1" || { mv "$part" "models/$1"; return; } ;;
      33-*|22-416) ;;  # the server cannot resume: once more, from the start
      22-*) die "$1: $url answers with HTTP status $status; try again later, or put the file into models/" ;;
      23-*) die "$1: models/ cannot be written (no space left?); free some space and run this again to resume the download" ;;
      *-000) die "$1: not here, and $url cannot be reached; check the network, or put the file into models/" ;;
      *) die "$1: the download broke off (curl error $code); run this again to resume it" ;;
    esac
  done
  rm -f "$part"
  die "$1: $url sends something else than the published file (its sha256 differs); put the right one into models/"
}

folders=(${PICO_LLAMA_MODELS:+"$PICO_LLAMA_MODELS"} models ../shared/models)
names=()
here=no
for argument; do
  case $argument in
    -h|--help) sed -n '/^set /q; 2,$s/^# \{0,1\}//p' scripts/get-models.sh; exit ;;
    --here) here=yes ;;
    -*) say "unknown option $argument; see scripts/get-models.sh --help"; exit 2 ;;
    */*|.|..)
      case $argument in /*) folder=$argument ;; *) folder=$caller/$argument ;; esac
      [ -d "$folder" ] || die "$argument: no such folder; give the folder that holds the models, or nothing"
      folders=("$folder" "${folders[@]}") ;;
    *) names+=("$argument") ;;
  esac
done
[ ${#names[@]} -gt 0 ] || names=(stories260K.bin tok512.bin)

for folder in "${folders[@]}"; do
  for name in "${names[@]}"; do
    [ -f "$folder/$name" ] || continue 2
  done
  for name in "${names[@]}"; do
    sha256_agrees "$folder/$name" "$name" || die "$folder/$name: is not the published file (its sha256 differs); remove it and run this again"
  done
  (cd "$folder" && pwd)
  exit
done
[ $here = no ] || exit 1
for name in "${names[@]}"; do
  [ -f "models/$name" ] || fetch "$name"
done
echo "$PWD/models"
