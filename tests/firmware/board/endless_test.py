"""Stories that go on, on the real firmware: endless ones and continued ones are the tokens of this computer."""
import json
import re
import struct

import virtual_board
from board_test_case import BoardTest
from labels import long
from virtual_board import PICO_TALES, STORY_END, command, find_model, stories

JSON = ["expect > ", "send /json on", "expect json on"]
LONGEST_PAUSE_MS, LONGEST_STREAMED_PAUSE_MS = 40, 130  # docs/console.md


def on_host(image, steps, prompt, *options):
    """The tokens of an endless story of this computer."""
    return json.loads(command("run", image, "--endless", "-n", steps, "-i", prompt, "--json", *options))["tokens"]


def refills(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith('{"refilled"')]


def memory_map(text):
    """What /mem printed each time, without how deep stacks went."""
    maps = re.findall(r"^weights .*?^stack of core 0", text, re.MULTILINE | re.DOTALL)
    return [part.rsplit("\n", 1)[0] for part in maps]


class Endless(BoardTest):
    def short(self, profile, *options):
        """The model that ships, with a context of 64: full after a few tokens."""
        checkpoint, tokenizer = (find_model(name) for name in PICO_TALES)
        data = bytearray(checkpoint.read_bytes())
        context, pairs = struct.unpack_from("<i", data, 24)[0], 4
        struct.pack_into("<i", data, 24, 64)
        short = self.scratch / "short.bin"
        short.write_bytes(data[:len(data) - 2 * (context - 64) * pairs * 4])  # llama2.c's RoPE tables, which nobody reads
        return self.packer.pack(profile, short, tokenizer, *options)

    def same_as_host(self, image, steps, prompt, *options, seconds=200):
        """An endless story of so many positions at temperature 1. Returns the object that ends it."""
        text = self.play([*JSON, "send /endless on", "send /seed 5", f"send /steps {steps}", *options, f"send {prompt}", *STORY_END],
                         self.packer.cartridge(image), seconds=seconds)
        (tokens, end), = stories(text)
        assert end["stop"] == "steps" and len(tokens) == steps, (len(tokens), end)
        assert tokens == on_host(image, steps, prompt, "-s", 5), "another story than this computer's"
        pauses = refills(text)
        assert len(pauses) == end["refills"] > 0 and max(p["pause_ms"] for p in pauses) == end["longest_pause_ms"], end
        print(f"{steps} positions as on the host at {end['tokens_per_second']} tok/s simulated, {end['refills']} refills, longest pause "
              f"{end['longest_pause_ms']} ms")
        return end

    def test_whole_context(self):
        """Some hundreds of tokens, over the end of a context of 512."""
        end = self.same_as_host(self.image("q8", *PICO_TALES), 700, "Once upon a time")
        assert end["longest_pause_ms"] <= LONGEST_PAUSE_MS, end

    @long
    def test_5000_tokens(self):
        end = self.same_as_host(self.image("q8", *PICO_TALES), 5000, "Once upon a time", seconds=600)
        assert end["refills"] >= 9 and end["longest_pause_ms"] <= LONGEST_PAUSE_MS, end

    def test_short_context(self):
        self.same_as_host(self.short("q8"), 400, "The dog")

    def test_streamed_with_guesses(self):
        """Weights from flash, the cache from PSRAM, and guesses: the tokens of a host that makes none."""
        end = self.same_as_host(self.short("f32", "--drafts", "20000"), 160, "The dog")
        assert end["drafted"] > 0, end

    @long
    def test_streamed_whole_context(self):
        """The same over the end of a context of 512."""
        end = self.same_as_host(self.image("f32", *PICO_TALES), 540, "Once upon a time")
        assert end["longest_pause_ms"] <= LONGEST_STREAMED_PAUSE_MS, end

    def test_continued(self):
        """Stopped by Ctrl-C or /steps anywhere and continued: the uninterrupted story. With words: they are in it."""
        image = self.image("q8", *PICO_TALES)
        script = [*JSON, "send /seed 5", "send /steps 120", "send One day", *STORY_END]
        for moment in (4, 9, 30):
            script += ["send One day", *["expect {\"token\":"] * moment, "ctrl-c", *STORY_END, "send /continue", *STORY_END]
        script += ["send /steps 50", "send One day", *STORY_END, "send /steps 70", "send /continue", *STORY_END,
                   "send /again", *STORY_END, "send /steps 20", "send /continue and then the dog", *STORY_END]
        text = self.play(script, self.packer.cartridge(image), seconds=200)
        (whole, _), *rest = stories(text)
        assert len(whole) == 120, len(whole)
        for first, second in zip(rest[0:6:2], rest[1:6:2]):
            assert first[1]["stop"] == "cancelled", first
            both = first[0] + second[0]
            assert both[:120] == whole and second[1]["prompt_tokens"] == 0, (first, second)
        assert rest[6][0] + rest[7][0] == whole and rest[8][0] == whole[:70]
        echoed = "".join(item["text"] for item in map(json.loads, (line for line in text.splitlines() if '"prompt":true' in line)))
        assert echoed.endswith(" and then the dog"), echoed
        assert rest[9][1]["prompt_tokens"] > 0 and rest[9][1]["stop"] == "steps", rest[9]

    def memory_stays(self, count):
        image = self.short("q8")
        script = ["expect > ", "send /mem", "expect core 1", "send /endless on", "send /steps 100", "expect > "]
        for number in range(count):
            script += ["send The dog", "expect tok/s", "expect > "]
            if number % 5 == 4:
                script += ["send /continue and then", "expect tok/s", "expect > "]
        script += ["send /mem", "expect core 1", "send /stop the", "expect > ", "send The dog", "expect tok/s", "expect > "]
        before, after = memory_map(self.play(script, self.packer.cartridge(image), seconds=600))
        assert before == after and "key/value cache" in before, (before, after)

    def test_memory_map(self):
        self.memory_stays(10)

    @long
    def test_memory_map_after_200_stories(self):
        self.memory_stays(200)

    def test_ends(self):
        """Ctrl-C, a stop string and the button's press end an endless story."""
        script = [*JSON, "send /endless on", "send /seed 5", "send The dog", *["expect refilled"] * 3, "ctrl-c", *STORY_END,
                  "send The dog", "expect refilled", "press", *STORY_END, "wait 0.1", "release", "wait 0.1",
                  "send /stop was", "send The", *STORY_END]
        (_, cancelled), (_, pressed), (_, stopped) = stories(self.play(script, self.packer.cartridge(self.short("q8")), seconds=20))
        assert [end["stop"] for end in (cancelled, pressed, stopped)] == ["cancelled", "cancelled", "stop_string"], (cancelled, pressed, stopped)
