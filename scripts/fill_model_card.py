#!/usr/bin/env python3
"""Writes the measurements of scripts/make_shipped_model.sh into the tables of models/README.md. Exit 1: q8 perplexity is
above its bound."""
import hashlib
import json
import pathlib
import re
import sys


def sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    work = pathlib.Path(sys.argv[1])
    card = pathlib.Path("models/README.md")
    figures = {profile: json.loads((work / f"figures-{profile}.json").read_text()) for profile in ("f32", "q8")}
    evaluation = json.loads((work / "eval-q8.json").read_text())
    ratio = next(value for key, value in evaluation.items() if "ratio" in key)
    losses = re.findall(r"held-out loss ([0-9.]+) nats a token, ([0-9.]+) with q8", (work / "train.out").read_text())
    percent = lambda profile, name: f"{100 * figures[profile][name]:.1f} %"
    values = {
        "held-out loss": f"{losses[-1][0]} nats a token, {losses[-1][1]} with q8 weights" if losses else None,
        "text": f"120,000 stories, corpus seed 1, sha256 `{sha256(work / 'stories.txt')}`",
        "`pico-tales.bin`": f"sha256 `{sha256(pathlib.Path('models/pico-tales.bin'))}`",
        "`pico-tales.tok.bin`": f"sha256 `{sha256(pathlib.Path('models/pico-tales.tok.bin'))}`",
    }
    rows = {
        "words that are corpus words": "corpus_words",
        "stories that end by themselves, properly": "proper_endings",
        "stories that keep the hero's name and the wished-for thing": "keep_hero_and_thing",
        "stories that differ from each other": "distinct",
        "copies of training stories": "copies",
    }
    lines = []
    for line in card.read_text().split("\n"):
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells and values.get(cells[0]):
            line = f"| {cells[0]} | {values[cells[0]]} |"
        elif cells and cells[0] in rows:
            name = rows[cells[0]]
            line = f"| {cells[0]} | {cells[1]} | {percent('f32', name)} | {percent('q8', name)} |"
        elif cells and cells[0].startswith("perplexity"):
            line = f"| {cells[0]} | {cells[1]} | | {ratio:.4f} |"
        lines.append(line)
    card.write_text("\n".join(lines))
    if ratio > 1.01:
        print(f"fill_model_card: q8 perplexity is {ratio:.4f} x f32, wanted at most 1.01", file=sys.stderr)
    return 1 if ratio > 1.01 else 0


if __name__ == "__main__":
    sys.exit(main())
