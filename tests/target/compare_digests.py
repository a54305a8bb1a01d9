#!/usr/bin/env python3
"""Runs builds of `digest` on the same images; all must print what is recorded, at every block size, and tell the same story with
guesses ahead as without. An image guesses_{right,half,wrong}.* has a draft table of that kind for its story.

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
    stories = [line.split(": ")[1].split() for line in lines if line.startswith("story ")]
    (plain, drafted, _), *_, (_, most_drafted, accepted) = stories
    ok = len({story[0] for story in stories}) == 1 and drafted == "0" and int(accepted) <= int(most_drafted)
    if image.name.startswith("guesses_"):
        rate = int(accepted) / max(1, int(most_drafted))
        ok = ok and int(most_drafted) > 0 and (rate > 0.7 if "right" in image.name else 0.1 < rate < 0.9 if "half" in image.name
                                               else rate < 0.2)
    if done.returncode != 0 or len(lines) != 7 or len(digests) != 1 or not ok:
        sys.exit(f"{' '.join(full)}\nexit {done.returncode}\n{done.stdout}{done.stderr}")
    return digests.pop(), plain


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
        digests, stories = zip(*[run(command, image, 0) for command in commands])
        print(image.name, recorded[image.name], "recorded;", *digests, "stories", *stories)
        bad += set(digests) != {recorded[image.name]} or len(set(stories)) != 1
    sys.exit(f"{bad} of {len(images)} images differ" if bad else 0)


main()
