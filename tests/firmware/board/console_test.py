"""The console as a person and a cable treat it."""
import csv
import json
import random
import re

import virtual_board
from board_test_case import SHORT, BoardTest, expect
from labels import long
from virtual_board import STORY_END, stories


def static_stack_bounds():
    """Bytes, core 0 and core 1: as scripts/stack_bound.py found them in the ELF, with the compiler that needs most."""
    with open(virtual_board.ROOT / "bench/budget.csv") as table:
        rows = [(row["what"], int(row["measured"])) for row in csv.DictReader(table)]
    return tuple(max(value for what, value in rows if what == f"stack_core{core}_bytes") for core in (0, 1))


class Console(BoardTest):
    def seed_of_long_story(self, profile, prompt, least):
        """A seed with which the model of the day tells at least so many tokens."""
        model, tokenizer = virtual_board.find_model(*self.model)
        for seed in range(1, 100):
            told = virtual_board.command("run", model, "-z", tokenizer, "--profile", profile, "-i", prompt, "-t", 1, "-p", 0.9,
                                         "-s", seed, "-n", 300, "--json")
            if len(json.loads(told)["tokens"]) >= least:
                return seed
        raise AssertionError(f"no story of {least} tokens in 99")

    def stops(self, moments):
        """Ctrl-C at these tokens of one story: it stops there, what was told is the story's beginning, the next one works."""
        seed = f"send /seed {self.seed_of_long_story('q8', 'Once', moments[-1] + 4)}"
        script = ["expect > ", "send /json on", "expect json on", "send /temp 1", "expect temperature", "send /topp 0.9",
                  "send /steps 300", "expect steps 300", seed, "send Once", *STORY_END]
        for moment in moments:
            script += [seed, "send Once", *["expect {\"token\":"] * moment, "ctrl-c", *STORY_END]
        script += ["send /steps 16", "expect steps 16", seed, "send Once", *STORY_END]
        (whole, end), *stopped, (after, _) = stories(self.play(script, self.pack("q8"), seconds=120))
        assert len(whole) > moments[-1] + 3, (len(whole), end)
        assert len(stopped) == len(moments)
        for moment, (tokens, end) in zip(moments, stopped):
            assert end["stop"] == "cancelled", (moment, end)
            # The key needs a millisecond or two to the board, and the token in progress is finished.
            assert moment <= len(tokens) <= moment + 3, (moment, len(tokens))
            assert tokens == whole[:len(tokens)], (moment, tokens)
        assert after == whole[:16]
        print(f"{len(stopped)} stops, {max(len(tokens) - moment for moment, (tokens, _) in zip(moments, stopped))} tokens late at most")

    def test_control_c(self):
        self.stops(range(1, 102, 20))

    @long
    def test_control_c_anywhere(self):
        self.stops(range(10, 251, 10))

    def test_stall(self):
        """A host that does not read for a while loses nothing."""
        common = ["expect > ", "send /json on", "expect json on", "send /temp 0", "send /steps 128"]
        plain = stories(self.play(common + ["send Once", *STORY_END], self.pack("q8")))
        slow = stories(self.play(common + ["send Once", "wait 0.1", "stall 1", *STORY_END], self.pack("q8")))
        assert [tokens for tokens, _ in plain] == [tokens for tokens, _ in slow]

    def test_unplug(self):
        self.play(["expect > ", "send /temp 0", "expect > ", "send Once", "wait 0.1", "unplug", "wait 1", "plug", "expect > ",
                    "send /steps 16", "expect > ", "send Once", f"expect [{self.token_count(16)}", "expect > "], self.pack("q8"))

    def test_paste(self):
        big = self.scratch / "paste"
        big.write_bytes(b"x" * 100_000 + b"\r")
        text = self.play(["expect > ", f"file {big}", "expect longer than 1023 bytes", "expect > ", "send /steps 16",
                           "expect > ", "send Once", f"expect [{self.token_count(16)}"], self.pack("q8"))
        expect(text, "that line is longer")

    def test_button(self):
        """It tells a story; pressed anew it stops one, but not while it is still held from the first time."""
        text = self.play(["expect > ", "send /json on", "expect json on", "send /temp 0", "expect temperature", "press", 'expect {"token"',
                           "release", "wait 0.02", "press", 'expect "stop":', "release", "wait 0.1", "press", 'expect {"token"', "wait 0.05",
                           "release", *STORY_END], self.pack("q8"))
        (stopped, first), (told, second) = stories(text)
        assert first["stop"] == "cancelled" and second["stop"] != "cancelled" and len(told) > len(stopped), (first, second)

    def test_warm_reboot(self):
        """The PSRAM is still in QPI after the RUN pin, and after a watchdog restart."""
        text = self.play(["expect > ", "send /reboot", "expect restarting", "expect Ctrl-C stops.", "reset",
                           "expect Ctrl-C stops.", *SHORT[1:]], self.pack("q8"))
        assert text.count("PSRAM   8 MB, QPI at 75 MHz, tested") == 3, text

    def test_reset_interfaces(self):
        self.play(["expect > ", "send /bootsel", "expect-bootsel"])
        self.play(["expect > ", "baud 1200", "expect-bootsel"])
        self.play(["expect > ", "request-bootsel", "expect-bootsel"])

    def test_nonsense(self):
        names = "help model temp topp topk seed steps profile cores mem bench selftest json bootsel reboot nothing".split()
        script = ["expect > "]
        for name in names:
            script += [f"send /{name} -1e99", "expect ! ", "expect > "]
        self.play(script, self.pack("q8"))

    def many_stories(self, count):
        """Random prompts and commands: nothing leaks, nothing moves, the stacks stay within their bounds."""
        chance = random.Random(1)
        script = ["expect > ", "send /mem", "expect stack of core 1", "expect > "]
        for _ in range(count):
            if chance.random() < 0.3:
                script += [f"send /{chance.choice(['temp 0.7', 'topp 0.9', 'topk 20', 'cores 1', 'cores 2', 'seed random'])}",
                           "expect > "]
            prompt = "".join(chance.choice("abcdefgh ijklmnop é qrstuvwxyz") for _ in range(chance.randrange(20)))
            script += [f"send /steps {chance.randrange(16, 65)}", "expect > ", f"send {prompt}", "expect seed ", "expect > "]
        text = self.play(script + ["send /mem", "expect stack of core 1", "expect > "], self.pack("q8"), seconds=count * 2)
        # The table of what lives where, up to the stacks, whose high-water marks may rise.
        maps = [part.split("stack of core 0")[0] for part in text.split("> /mem")[1:]]
        assert len(maps) == 2 and "key/value cache" in maps[0], maps
        assert maps[0] == maps[1], maps
        used = [int(n) for n in re.findall(r"stack of core \d: (\d+) of \d+", text)[-2:]]
        assert len(used) == 2 and all(0 < n <= bound for n, bound in zip(used, static_stack_bounds())), used
        assert text.count("; prefill ") == count, text.count("; prefill ")
        print(f"{count} stories, stacks at most {used} B")

    def test_stories_20(self):
        self.many_stories(20)

    @long
    def test_stories_1000(self):
        self.many_stories(1000)
