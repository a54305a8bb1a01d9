#!/usr/bin/env python3
"""The digests that /selftest expects are those of the greedy story this engine tells on a PC.

golden_digests_test.py PICO_LLAMA            a model that is absent is left out, and said
golden_digests_test.py PICO_LLAMA --update   writes what it found, after the q8 arithmetic was changed on purpose
"""
import contextlib
import hashlib
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
import virtual_board  # noqa: E402


def models():
    """Every checkpoint in the folders where the models of goldens and of the repository are found."""
    folders = {virtual_board.find_model("pico-tales.bin").parent}
    with contextlib.suppress(virtual_board.Missing):
        folders.add(virtual_board.find_model("stories260K.bin").parent)
    return [file for folder in folders for file in sorted(folder.glob("*.bin"))]


def digest(tokens):
    value = 2166136261
    for token in tokens:
        for byte in token.to_bytes(4, "little"):
            value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


def main():
    path = ROOT / "firmware/app/golden_digests.inc"
    text = path.read_text()
    rows = re.findall(r"\{\{((?:0x[0-9a-f]{2}(?:, )?){4})\}, Profile::k(\w+), (0x[0-9a-f]{8})u\}", text)
    steps = re.search(r"kDigestTokens = (\d+)", (ROOT / "firmware/app/measure.h").read_text())[1]
    assert rows and len(rows) == text.count("Profile::"), "golden_digests.inc does not read as expected"
    by_sha = {hashlib.sha256(file.read_bytes()).digest()[:4]: file for file in models()}
    wrong = 0
    for sha, profile, wanted in rows:
        file = by_sha.get(bytes(int(byte, 16) for byte in sha.split(", ")))
        if file is None:
            print("skipped: the checkpoint", sha, "is not here; run scripts/get-models.sh")
            continue
        run = subprocess.run([sys.argv[1], "run", file, "--profile", profile.lower(), "-t", "0", "-n", steps, "--json"],
                             capture_output=True, text=True, check=True)
        tokens = json.loads(run.stdout)["tokens"]
        found = digest(tokens)
        print(f"{file.name} {profile}: {len(tokens)} tokens, {found:#010x}, the firmware expects {wanted}")
        if found != int(wanted, 16):
            wrong += 1
            # f32 is llama2.c's own arithmetic: its tokens are never up to us.
            if profile != "F32":
                text = text.replace(wanted, f"{found:#010x}")
    if "--update" in sys.argv:
        path.write_text(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
