#!/usr/bin/env python3
"""scripts/evaluate_stories.py finds faults that are put into stories, and finds none in the shipped model's.

  evaluate_stories_test.py PICO_LLAMA          the judge itself
  evaluate_stories_test.py PICO_LLAMA MODEL    20 stories of the model
"""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import evaluate_stories as judge  # noqa: E402


def stories(command: str, seed: int, count: int, folder: str) -> str:
    path = f"{folder}/{seed}.txt"
    subprocess.run([command, "corpus", "--seed", str(seed), "--stories", str(count), "-o", path], check=True)
    return path


def check_judge(command: str, folder: str) -> None:
    corpus = judge.Corpus(pathlib.Path(stories(command, 1, 4000, folder)).read_text())
    others = [line for line in pathlib.Path(stories(command, 2, 300, folder)).read_text().split("\n") if line]
    whole = judge.judge([(story, True) for story in others], corpus)
    for name, (bound, at_least) in judge.BOUNDS.items():
        assert (whole[name] >= bound) if at_least else (whole[name] <= bound), (name, whole)

    def figures(change, ended=True):
        return judge.judge([(change(story), ended) for story in others], corpus)

    def other_hero(story):  # the hero gets another name in the second half
        half = len(story) // 2
        hero = judge.hero_of(story, corpus)
        return story[:half] + story[half:].replace(hero, "Xena")

    def other_thing(story):  # the thing becomes another one before the end
        noun = judge.thing_of(story)[1]
        half = len(story) // 2
        return story[:half] + story[half:].replace(noun, "trumpet")

    def end_of(story):
        return " ".join(judge.sentences(story)[-3:])

    def other_color(story):
        adjective, noun = judge.thing_of(story)
        end = end_of(story)
        return story[: len(story) - len(end)] + end.replace(f"{adjective} {noun}", f"gray {noun}")

    # Many endings say only "the kite".
    with_color = [(other_color(story), True) for story in others if " ".join(judge.thing_of(story)) in end_of(story)]

    assert figures(other_hero)["keep_hero_and_thing"] < 0.1
    assert figures(other_thing)["keep_hero_and_thing"] < 0.1
    assert len(with_color) > 50 and judge.judge(with_color, corpus)["keep_hero_and_thing"] < 0.1
    assert figures(lambda story: story.replace("with", "wibth"))["corpus_words"] < 0.995
    assert "wibth" in figures(lambda story: story.replace("with", "wibth"))["strange_words"]
    assert figures(lambda story: story[:-20].rstrip(".!?\""))["proper_endings"] < 0.1
    assert figures(lambda story: story, ended=False)["proper_endings"] == 0
    assert figures(lambda _: others[0])["distinct"] < 0.01
    assert figures(lambda _: corpus.stories[5])["copies"] == 1
    print("the judge bites")


def check_model(command: str, model: str, folder: str) -> int:
    tokenizer = model.removesuffix(".bin") + ".tok.bin"
    return subprocess.run([sys.executable, str(ROOT / "scripts/evaluate_stories.py"), model, "-z", tokenizer, "--corpus",
                           stories(command, 1, 20000, folder), "--count", "20", "--command", command]).returncode


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) > 2:
            return check_model(sys.argv[1], sys.argv[2], folder)
        check_judge(sys.argv[1], folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
