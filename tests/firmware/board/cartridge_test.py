"""Model images in flash: none, several, damaged ones."""
from board_test_case import BoardTest, expect
from labels import sanitized
from virtual_board import STORY_END, host_tokens, stories


class Cartridge(BoardTest):
    @sanitized
    def test_no_model(self):
        text = self.play(["expect > ", "send /mem", "expect > ", "send Once", "expect > "])
        expect(text, "model   none", "pico-llama pack", "stack of core 0")

    def test_two_models(self):
        """Two images in one UF2, one behind the other: each tells its own story, and a change back is exact."""
        uf2 = self.packer.cartridge(*(self.image(profile) for profile in ("q8", "f32")))
        once = ["send Once upon a time", *STORY_END]
        text = self.play(["expect number 1 of 2 in flash", "expect > ", "send /json on", "expect json on", "send /temp 0",
                           "send /steps 48", *once, "send /profile f32", "expect number 2 of 2", *once, "send /model 1",
                           "expect number 1 of 2", *once, "send /model 3", "expect from 1 to 2", "send /model",
                           "expect flash   2: f32, 5 layers of 64", 'expect B"}'], uf2)
        told = [tokens for tokens, _ in stories(text)]
        q8, f32 = (host_tokens((*self.model, profile), "Once upon a time", 48) for profile in ("q8", "f32"))
        assert told == [q8, f32, q8], (told, q8, f32)

    def damaged(self, change, *wanted):
        data = bytearray(self.image("q8").read_bytes())
        change(data)
        # Not through `uf2`, which could refuse it: the pages as a drag would leave them in flash.
        raw = self.scratch / "damaged.uf2"
        blocks = [data[i:i + 256].ljust(256, b"\xff") for i in range(0, len(data), 256)]
        out = bytearray()
        for number, page in enumerate(blocks):
            head = b"".join(value.to_bytes(4, "little") for value in (
                0x0A324655, 0x9E5D5157, 0x2000, 0x10080000 + 256 * number, 256, number, len(blocks), 0xE48BFF58))
            out += head + bytes(page) + bytes(476 - 256) + (0x0AB16F30).to_bytes(4, "little")
        raw.write_bytes(out)
        text = self.play(["expect > ", "send Once", "expect > ", "send /temp 0.5", "expect temperature 0.5"], raw)
        expect(text, *wanted)

    def test_flipped_bit(self):
        def change(data):
            data[len(data) // 2] ^= 4
        self.damaged(change, "cannot be used", "changed since it was packed")

    def test_truncated(self):
        def change(data):
            del data[len(data) // 2:]
        self.damaged(change, "cannot be used")

    def test_newer_version(self):
        def change(data):
            data[4:8] = (9).to_bytes(4, "little")
        self.damaged(change, "cannot be used", "9")
