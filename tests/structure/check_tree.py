#!/usr/bin/env python3
"""What must never be in the repository: paths of one person's machine, and model files that may not be shipped."""
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
listing = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True)
if listing.returncode != 0:
    print("skipped: not a git checkout: nothing to check")
    sys.exit(77)
files = [name for name in listing.stdout.decode().split("\0") if name and (root / name).is_file()]

HOME = re.compile(rb"(?<![A-Za-z0-9_.])/(?:" + rb"|".join([b"ro" + b"ot", b"ho" + b"me", b"wo" + b"rk"]) + rb")/")
MODEL = re.compile(r"(stories(260K|15M|3M)|tok(512|4096)|tokenizer)[^/]*\.(bin|uf2|plm)$")
problems = []
for name in files:
    if MODEL.search(name):
        problems.append(f"{name}: a model file that is not this project's to ship")
    data = (root / name).read_bytes()
    if b"\0" in data[:4096]:
        continue
    for number, line in enumerate(data.splitlines(), 1):
        if HOME.search(line):
            problems.append(f"{name}:{number}: a path of one machine")
print("\n".join(problems) if problems else f"{len(files)} files are clean")
sys.exit(1 if problems else 0)
