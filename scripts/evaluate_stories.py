#!/usr/bin/env python3
"""Evaluates a story model by the text of its stories.

  scripts/evaluate_stories.py models/pico-tales.bin -z models/pico-tales.tok.bin --corpus stories.txt
  scripts/evaluate_stories.py --stories written.txt --corpus stories.txt     (one story per line, to evaluate a text)

This script knows nothing about the grammar. Names are the words that the corpus capitalises inside a sentence; the hero is
the first name in a story; the wished-for thing is the object of "wanted a ..." (or wished for, dreamed of, hoped for). A story
keeps them if hero and thing both occur in its last three sentences and the thing has not changed its colour or kind: its
adjectives there are among those of its first mention.
"""
import argparse
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys

WORD = re.compile(r"[A-Za-z]+")
SENTENCE_END = re.compile(r'[.!?]+"?(?:\s+(?![a-z])|$)')  # but not within: "Where?" he asked
# The object of a wish: one or two words.
WISH = re.compile(r"\b(?:wanted|wished for|dreamed of|hoped for) (?:a|an|his|her|the) ([a-z]+(?: [a-z]+)?)")
# Words that can follow the object but are not part of it.
AFTER = set("more too so very that and but to for with in at on of back just it again than instead "
            "next from he she when until all now".split())


def sentences(text: str) -> list[str]:
    parts, start = [], 0
    for match in SENTENCE_END.finditer(text):
        parts.append(text[start:match.end()].strip())
        start = match.end()
    if text[start:].strip():
        parts.append(text[start:].strip())
    return parts


class Corpus:
    def __init__(self, text: str):
        self.stories = [line for line in text.split("\n") if line.strip()]
        self.known_stories = set(self.stories)
        self.words = set(word.lower() for word in WORD.findall(text))
        # A capital after a lower-case word or a comma is a name (or "I", or one of Mom and Dad).
        inner = re.findall(r"[a-z,] ([A-Z][a-z]+)\b", text)
        lower = set(WORD.findall(text)) - set(inner)
        self.names = set(name for name in inner if name.lower() not in lower)


def hero_of(text: str, corpus: Corpus) -> str | None:
    return next((word for word in WORD.findall(text) if word in corpus.names), None)


def thing_of(text: str) -> tuple[str, str] | None:
    """(adjective or "", noun) of the first thing that is wished for."""
    match = WISH.search(text)
    if match is None:
        return None
    words = match.group(1).split()
    if len(words) == 2 and words[1] in AFTER:
        words = words[:1]
    return ("", words[0]) if len(words) == 1 else (words[0], words[1])


def keeps(text: str, corpus: Corpus) -> bool:
    hero, thing = hero_of(text, corpus), thing_of(text)
    if hero is None or thing is None:
        return False
    adjective, noun = thing
    end = " ".join(sentences(text)[-3:])
    if not re.search(rf"\b{hero}\b", end) or not re.search(rf"\b{noun}\b", end):
        return False
    # Finds "the blue kite" at the end of a story about a red one: only adjectives of the first mention are allowed.
    before_end = set(re.findall(rf"\b([a-z]+) {noun}\b", end))
    before_first = set(re.findall(rf"\b([a-z]+) {noun}\b", text[: max(0, len(text) - len(end))]))
    determiners = {"a", "an", "the", "his", "her", "my", "your", "this", "that", "first", "own", "of", "and", "with"}
    return before_end <= before_first | determiners


def proper_end(text: str, ended: bool) -> bool:
    return ended and re.search(r'[.!?]"?$', text.strip()) is not None


def tell(arguments: tuple) -> tuple[str, bool]:
    command, model, tokenizer, profile, temperature, topp, seed, context = arguments
    result = subprocess.run(
        [command, "run", model, "-z", tokenizer, "-t", str(temperature), "-p", str(topp), "-s", str(seed), "-n", "0",
         "--profile", profile, "--json"], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"evaluate_stories: {result.stderr.strip()}")
    story = json.loads(result.stdout)
    # A complete story ends with BOS; a truncated one fills the context.
    return story["text"].strip(), story["tokens"][-1] == 1


def judge(stories: list[tuple[str, bool]], corpus: Corpus) -> dict:
    count = len(stories)
    words = [word.lower() for text, _ in stories for word in WORD.findall(text)]
    texts = [text for text, _ in stories]
    strange = sorted(set(word for word in words if word not in corpus.words))
    return {
        "stories": count,
        "corpus_words": sum(word in corpus.words for word in words) / max(1, len(words)),
        "proper_endings": sum(proper_end(*story) for story in stories) / count,
        "keep_hero_and_thing": sum(keeps(text, corpus) for text in texts) / count,
        "distinct": len(set(texts)) / count,
        "copies": sum(text in corpus.known_stories for text in texts) / count,
        "strange_words": strange[:20],
        "mean_words": len(words) / count,
    }


BOUNDS = {  # name: (bound, at least?)
    "corpus_words": (0.995, True), "proper_endings": (0.95, True), "keep_hero_and_thing": (0.90, True),
    "distinct": (1.0, True), "copies": (0.02, False),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?")
    parser.add_argument("-z", "--tokenizer")
    parser.add_argument("--corpus", required=True, help="the training text")
    parser.add_argument("--stories", help="judge the lines of this file instead of a model's")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the first story; the next have the next")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--topp", type=float, default=0.9)
    parser.add_argument("--profile", default="f32")
    parser.add_argument("--command", default="build/host/tools/pico-llama")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--save", help="write the stories there, one a line")
    options = parser.parse_args()

    corpus = Corpus(pathlib.Path(options.corpus).read_text())
    if options.stories:
        lines = pathlib.Path(options.stories).read_text().split("\n")
        stories = [(line, True) for line in lines if line.strip()][: options.count]
    elif options.model and options.tokenizer:
        work = [(options.command, options.model, options.tokenizer, options.profile, options.temperature, options.topp,
                 options.seed + i, 0) for i in range(options.count)]
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            stories = list(pool.map(tell, work))
    else:
        parser.error("give a model and its tokenizer (-z), or --stories")
    if options.save:
        pathlib.Path(options.save).write_text("".join(text + "\n" for text, _ in stories))
    figures = judge(stories, corpus)
    print(json.dumps(figures, indent=1))
    failed = [name for name, (bound, at_least) in BOUNDS.items()
              if (figures[name] < bound if at_least else figures[name] > bound)]
    for name in failed:
        print(f"evaluate_stories: {name} is {figures[name]:.4f}, wanted "
              f"{'at least' if BOUNDS[name][1] else 'at most'} {BOUNDS[name][0]}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
