#!/usr/bin/env python3
"""clang-tidy with the house's checks (.clang-tidy) over what the preset host compiles.

tidy.py            files changed since the branch left main (on main: by the last commit), and where a header was changed its folder's
tidy.py --at-most N     of these, N at most; the others are counted
tidy.py --all      everything (some minutes)
tidy.py FILE...    these
Exit 1: findings. 77: clang-tidy or the preset host's compile_commands.json is not here.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build/host"
OURS = ("engine/", "hal/", "firmware/", "simulator/", "tools/", "trainer/")
# GCC's words that clang does not know; the first are errors to it.
GCC_ONLY = ("-fno-tree-", "-fno-ipa-")
EXTRA = ["--extra-arg=-Wno-unknown-warning-option"]


def changed(compiled):
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    base = git("merge-base", "HEAD", "main") or git("merge-base", "HEAD", "origin/main")
    if base in ("", git("rev-parse", "HEAD")):
        base = git("rev-parse", "--verify", "--quiet", "HEAD^") or "HEAD"
    names = subprocess.run(["git", "diff", "--name-only", base], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    names += subprocess.run(["git", "ls-files", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout.split()
    folders = {str(pathlib.Path(name).parent) for name in names if name.endswith(".h")}
    return [file for file in compiled if file in names or str(pathlib.Path(file).parent) in folders]


def separate(entry):
    """An entry for each of the files that CMake compiles together (UNITY_BUILD), else the entry itself."""
    file = pathlib.Path(entry["directory"], entry["file"])
    if not re.fullmatch(r"unity_.*\.cxx", file.name):
        return [entry]
    files = re.findall(r'^#include "(.+)"$', file.read_text(), re.MULTILINE)
    return [entry | {"file": each, "command": entry["command"].replace(entry["file"], each)} for each in files]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--at-most", type=int)
    arguments = parser.parse_args()
    if shutil.which("clang-tidy") is None or not (BUILD / "compile_commands.json").exists():
        print("skipped: needs clang-tidy (scripts/setup.sh) and the preset host configured")
        return 77
    entries = [single for entry in json.loads((BUILD / "compile_commands.json").read_text()) for single in separate(entry)]
    paths = {pathlib.Path(entry["directory"], entry["file"]).resolve() for entry in entries}
    compiled = sorted(path.relative_to(ROOT).as_posix() for path in paths if path.is_relative_to(ROOT))
    compiled = [file for file in compiled if file.startswith(OURS)]
    if arguments.files:
        given = [pathlib.Path(file).resolve().relative_to(ROOT).as_posix() for file in arguments.files]
        files = [file for file in given if file in compiled]
        for file in set(given) - set(files):
            print("not compiled by the preset host:", file)
    else:
        files = compiled if arguments.all else changed(compiled)

    if arguments.at_most is not None and len(files) > arguments.at_most:
        print(f"{len(files) - arguments.at_most} changed files are left to tidy.py without --at-most")
        files = files[:arguments.at_most]

    for entry in entries:
        words = [word for word in entry["command"].split(" ") if not word.startswith(GCC_ONLY)]
        if "-Winvalid-pch" in words:  # clang cannot read headers that GCC precompiled: -include and its file go too
            at = words.index("-Winvalid-pch")
            del words[at:at + 3]
        entry["command"] = " ".join(words)
    database = tempfile.TemporaryDirectory()
    pathlib.Path(database.name, "compile_commands.json").write_text(json.dumps(entries))

    def tidy(file):
        run = subprocess.run(["clang-tidy", "-p", database.name, "--quiet", *EXTRA, file], cwd=ROOT, capture_output=True, text=True)
        return file, run.returncode, run.stdout

    found = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, code, output in pool.map(tidy, files):
            if code != 0:
                found += 1
                print(output.strip() or f"{file}: clang-tidy failed")
    print(f"{len(files)} files, {found} with findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
