#!/usr/bin/env python3
"""Runs builds of `digest` on the same images; all must print what is recorded, at every block size.

usage: compare_digests.py FOLDER COMMAND [-- COMMAND]...   where COMMAND is a program and its first arguments,
with {} standing for the arguments `IMAGE POSITIONS` (appended where there is no {}).
The record is tests/golden/digests.txt, a line `IMAGE DIGEST` for each image of FOLDER: so machines agree that never meet.
"""
import pathlib
import subprocess
import sys


RECORD = pathlib.Path(__file__).resolve().parents[1] / "golden/digests.txt"


def run(command, image, positions):
    arguments = [str(image), str(positions)]
    if any("{}" in part for part in command):
        full = [part.replace("{}", ",arg=".join(arguments)) for part in command]
    else:
        full = command + arguments
    done = subprocess.run(full, capture_output=True, text=True, timeout=300)
    lines = done.stdout.splitlines()
    digests = {line.split(": ")[1] for line in lines if line.startswith("block ")}
    if done.returncode != 0 or len(lines) != 4 or len(digests) != 1:
        sys.exit(f"{' '.join(full)}\nexit {done.returncode}\n{done.stdout}{done.stderr}")
    return digests.pop()


def main():
    folder = pathlib.Path(sys.argv[1])
    commands, current = [], []
    for word in sys.argv[2:]:
        if word == "--":
            commands.append(current)
            current = []
        else:
            current.append(word)
    commands.append(current)
    images = sorted(folder.glob("*.plm"))
    recorded = dict(line.split() for line in RECORD.read_text().splitlines())
    if {image.name for image in images} != set(recorded):
        sys.exit(f"{folder} holds {[image.name for image in images]}, {RECORD.name} has {list(recorded)}")
    bad = 0
    for image in images:
        digests = [run(command, image, 0) for command in commands]
        print(image.name, recorded[image.name], "recorded;", *digests)
        bad += set(digests) != {recorded[image.name]}
    sys.exit(f"{bad} of {len(images)} images differ" if bad else 0)


main()
