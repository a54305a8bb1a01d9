#!/usr/bin/env bash
# A build folder holds the path it was made at, and CMake refuses it at any other: after this tree was moved or copied, its build
# folders are removed, to be made anew. Says so; does nothing where nothing was moved.
#   scripts/moved-builds.sh [FOLDER]    FOLDER/*: by default build/* of this tree
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../build}" 2>/dev/null || exit 0
for cache in */CMakeCache.txt; do
  [ -f "$cache" ] || continue
  made_at=$(sed -n 's/^CMAKE_CACHEFILE_DIR:INTERNAL=//p' "$cache")
  folder=${cache%/*}
  # The same folder by another name (a link) is not moved.
  if [ -n "$made_at" ] && ! [ "$made_at" -ef "$folder" ]; then
    echo "build: $PWD/$folder was made at $made_at; it is made anew" >&2
    rm -rf "$folder"
  fi
done
