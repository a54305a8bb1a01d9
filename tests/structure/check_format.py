#!/usr/bin/env python3
"""Every tracked C++ file is as clang-format leaves it, Debian 12's (14) and Debian 13's (19) alike: where they disagree about
a line, it is written so that they do not. Exit 77 (skipped) with another version."""
import pathlib
import re
import shutil
import subprocess
import sys

VERSIONS = (14, 19)
root = pathlib.Path(sys.argv[1])
tool = shutil.which("clang-format")
version = tool and re.search(r"version (\d+)", subprocess.run([tool, "--version"], capture_output=True, text=True).stdout)
if not version or int(version.group(1)) not in VERSIONS:
    print(f"skipped: clang-format is {'version ' + version.group(1) if version else 'missing'}, the format is that of "
          f"{' and '.join(map(str, VERSIONS))}")
    sys.exit(77)
listing = subprocess.run(["git", "-C", root, "ls-files", "*.h", "*.cpp"], capture_output=True, text=True)
files = [name for name in listing.stdout.split() if (root / name).is_file()]
if not files:
    print("skipped: not a git checkout: nothing to check")
    sys.exit(77)
result = subprocess.run([tool, "--dry-run", "-Werror", *files], cwd=root, capture_output=True, text=True)
wrong = sorted({line.split(":")[0] for line in result.stderr.splitlines() if "error:" in line})
print("\n".join(f"{name}: run clang-format -i on it" for name in wrong) or f"{len(files)} files are formatted")
sys.exit(1 if wrong else 0)
