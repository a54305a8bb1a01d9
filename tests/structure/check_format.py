#!/usr/bin/env python3
"""Every tracked C++ file is as clang-format leaves it. Exit 77 (skipped) with another clang-format than the house's:
versions disagree about details."""
import pathlib
import re
import shutil
import subprocess
import sys

HOUSE_VERSION = 14  # Debian 12's
root = pathlib.Path(sys.argv[1])
tool = shutil.which(f"clang-format-{HOUSE_VERSION}") or shutil.which("clang-format")
version = tool and re.search(r"version (\d+)", subprocess.run([tool, "--version"], capture_output=True, text=True).stdout)
if not version or int(version.group(1)) != HOUSE_VERSION:
    print(f"skipped: needs clang-format {HOUSE_VERSION}; here is {version.group(1) if version else 'none'}")
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
