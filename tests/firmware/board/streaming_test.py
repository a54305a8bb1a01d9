"""Models larger than SRAM: weights that are streamed from flash."""
import json
import re

import virtual_board
from board_test_case import BoardTest, expect
from labels import long
from virtual_board import STORIES3M, STORY_END, host_tokens, stories, story_script

ROPE_15M = 256 * 48 * 4  # bytes: cos and sin of 24 pairs at 256 positions


class Streaming(BoardTest):
    def streams(self, image, profile, vocabulary_and_rope_bytes, mhz=150, divider=2, firmware=None, prompt="Once upon a time",
                steps=12, then=()):
        """Tells a story with weights from flash: the host's tokens, at 85 % at least of what the bus could bring. Returns what
        ended it, and what ended the stories of the script `then`."""
        text = self.play(["expect > ", "send /mem", "expect stack of core 1", "send /json on", "expect json on", "send /temp 0",
                           f"send /steps {steps}", f"send {prompt}", *STORY_END, *then], self.packer.cartridge(image), firmware=firmware)
        (tokens, end), *others = stories(text)
        assert tokens == host_tokens(image, prompt, steps), tokens
        # What a token reads of the weights in flash, over chained reads of cache lines: 8 bytes in 16 divider + 2 cycles.
        in_flash = int(re.search(r"^weights +([\d,]+) B  flash", text, re.MULTILINE)[1].replace(",", ""))
        limit = 8e6 * mhz / (16 * divider + 2) / (in_flash - vocabulary_and_rope_bytes)
        share = end["tokens_per_second"] / limit
        print(f"{profile}: {len(tokens)} tokens as on the host, {end['tokens_per_second']} tok/s simulated at {mhz} MHz, "
              f"{100 * share:.1f} % of the bus's {limit:.3f}")
        assert share >= 0.85, share
        return [end, *(ended for _, ended in others)]

    def test_guesses_change_no_token(self):
        """Guesses from the image's table and from the text: the tokens of a host that makes none, greedy and sampled."""
        checkpoint, tokenizer = virtual_board.any_story_model()
        image = self.packer.pack("f32", checkpoint, tokenizer, "--drafts", "20000")
        text = self.play(["expect > ", "send /json on", "expect json on", *story_script("Once", 48),
                          *story_script("The dog", 48, temperature=1, seed=7)], self.packer.cartridge(image), seconds=120)
        (greedy, told), (sampled, ended) = stories(text)
        assert greedy == host_tokens(image, "Once", 48), greedy
        on_host = json.loads(virtual_board.command("run", image, "-t", 1, "-s", 7, "-n", 48, "-i", "The dog", "--json"))["tokens"]
        assert sampled == on_host, (sampled, on_host)
        for end in (told, ended):
            print(f"{end['tokens']} tokens in {end['passes']} passes, {end['accepted']} of {end['drafted']} drafts, "
                  f"{end['tokens_per_second']} tok/s simulated")
            assert end["passes"] + end["accepted"] >= end["tokens"] and end["accepted"] >= end["tokens"] // 6, end

    def test_a_trimmed_vocabulary(self):
        """A classifier of fewer rows than the tokenizer has pieces: the banner says so, and the tokens are the host's."""
        checkpoint, tokenizer = virtual_board.any_story_model()
        text = self.scratch / "stories.txt"
        text.write_text("Once upon a time there was a fox.\n\nThe fox had a friend.\n")
        image = self.packer.pack("f32", checkpoint, tokenizer, "--vocabulary", "400", "--vocabulary-text", text)
        told = self.play(["expect > ", "send /json on", "expect json on", *story_script("The zebra", 24)],
                         self.packer.cartridge(image), seconds=120)
        expect(told, "400 of 512 pieces")
        (tokens, _), = stories(told)
        assert tokens == host_tokens(image, "The zebra", 24), tokens

    def test_q8_3m(self):
        self.streams(self.image("q8", *STORIES3M), "3M q8", 512 * 32 * 4, steps=24)

    def test_q4_3m(self):
        """A trained model in q4: its embedding is a tensor of its own in 8 bits, of which a token reads one row."""
        image = self.packer.pack("q4", *STORIES3M, "--q8", "none", "--calibration", "512")
        self.streams(image, "3M q4", 512 * 32 * 4 + 4096 // 8 * (32 + 8 * 192), steps=24)

    def synthetic_15m(self, profile):
        # Rounding fitted to noise would be noise too, and a minute longer.
        return self.packer.pack(profile, *self.packer.synthetic_15m(), "--calibration", "0")

    @long
    def test_q8_15m(self):
        self.streams(self.synthetic_15m("q8"), "15M q8", ROPE_15M, prompt="a", steps=5)

    def test_q4_15m(self):
        """A story, and a prompt, read in passes of several tokens: at least 45 tok/s. A story at 133 MHz, where the bus is
        faster."""
        prompt = " ".join(["once a cat"] * 16)
        _, end = self.streams(self.synthetic_15m("q4"), "15M q4", ROPE_15M, prompt="a", steps=5,
                              then=["send /steps 69", f"send {prompt}", *STORY_END])
        print(f"{end['prompt_tokens']} tokens of a prompt at {end['prefill_tokens_per_second']} tok/s simulated, generated at "
              f"{end['tokens_per_second']}")
        assert end["prompt_tokens"] >= 48 and end["prefill_tokens_per_second"] >= 45, end
        end, = self.streams(self.synthetic_15m("q4"), "15M q4", ROPE_15M, mhz=133, divider=1, prompt="a", steps=5,
                           firmware=virtual_board.firmware_of("firmware-133mhz"))
        assert end["tokens_per_second"] >= 6.2, end

    def test_stream_stops(self):
        """Ctrl-C, a pulled cable, another count of cores and every command that reads the bus, in the middle of streaming with
        guesses ahead: no hang, and the next story is the same as ever."""
        model = self.packer.cartridge(self.packer.pack("f32", *virtual_board.any_story_model(), "--drafts", "20000"))
        script = ["expect > ", "send /json on", "expect json on", "send /temp 0", "expect temperature", "send /steps 10",
                  "expect steps 10", "send Once", *STORY_END]
        again = ["send Once", *STORY_END]
        for moment in (2, 6):
            script += ["send Once", *["expect {\"token\":"] * moment, "ctrl-c", *STORY_END, *again]
        for command, answer in (("/cores 1", "expect core"), ("/mem", "expect stack of core 1"), ("/cores 2", "expect core"),
                                ("/model 1", "expect loaded")):
            script += ["send Once", *["expect {\"token\":"] * 4, "ctrl-c", *STORY_END, f"send {command}", answer, *again]
        script += ["send Once", *["expect {\"token\":"] * 4, "ctrl-c", *STORY_END, "send /bootsel", "expect-bootsel"]
        text = self.play(script, model, seconds=120)
        (whole, told), *rest = stories(text)
        assert told["accepted"] > 0 and told["passes"] < told["tokens"], told
        cut = [tokens for tokens, end in rest if end["stop"] == "cancelled"]
        ended = [tokens for tokens, end in rest if end["stop"] != "cancelled"]
        assert len(whole) == 10 and len(cut) == 2 + 4 + 1 and len(ended) == 2 + 4, (len(whole), len(cut), len(ended))
        assert all(tokens == whole for tokens in ended)
        assert all(tokens == whole[:len(tokens)] for tokens in cut)
        self.play(["expect > ", "send /temp 0", "expect > ", "send /steps 96", "expect > ", "send Once", "expect upon", "unplug", "wait 0.3",
                    "plug", "expect > ",
                    "send /steps 10", "expect > ", "send Once", f"expect [{self.token_count(10)}", "expect > "], model)
