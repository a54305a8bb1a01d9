"""The real firmware image on the virtual board, through its USB serial port."""
import pathlib
import re
import tempfile
import unittest

import virtual_board

# A short greedy story, to its end.
SHORT = ["expect > ", "send /temp 0", "expect > ", "send /steps 24", "expect > ", "send Once", "expect tok/s", "expect > "]


def expect(text, *wanted):
    """`wanted` may stand on two rows: the board wraps its lines at 79 columns."""
    text = re.sub(r"\r?\n +", " ", text)
    for want in wanted:
        assert want in text, f"no {want!r} in:\n{text[-4000:]}"


def led_changes(path):
    """What `simulate --led FILE` wrote: (seconds, 0 or 1) at each change."""
    return [(float(at), int(lit)) for at, lit in (line.split() for line in pathlib.Path(path).read_text().splitlines())]


def rows_of_blinks(changes):
    """Lengths of the rows of blinks: a pause of a second or more ends one. The first and the last may be cut off."""
    rows, row, last = [], 0, None
    for at, lit in changes:
        if not lit:
            continue
        if last is not None and at - last > 1:
            rows.append(row)
            row = 0
        row += 1
        last = at
    return rows[1:]


class BoardTest(unittest.TestCase):
    """`model`: the checkpoint and tokenizer of tests that need just any model."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.scratch = pathlib.Path(folder.name)
        self.packer = virtual_board.Packer(self.scratch)
        self.model = virtual_board.any_story_model()
        virtual_board.built(virtual_board.FIRMWARE)

    def image(self, profile, checkpoint=None, tokenizer=None):
        return self.packer.pack(profile, *((checkpoint, tokenizer) if checkpoint else self.model))

    def pack(self, profile, checkpoint=None, tokenizer=None):
        """The cartridge of a model, by default `model`."""
        return self.packer.cartridge(self.image(profile, checkpoint, tokenizer))

    def play(self, script, model=None, options=(), seconds=60, firmware=None):
        """Plays a script to its end; returns what the board printed."""
        images = [firmware or virtual_board.FIRMWARE] + ([model] if model else [])
        return virtual_board.play(self.scratch, images, script, options, seconds)

    def token_count(self, steps):
        """How the board counts a story of `steps` positions that begins with "Once": without the prompt's tokens."""
        prompt_tokens = {virtual_board.STORIES260K: 2, virtual_board.PICO_TALES: 3}[self.model]
        return f"{steps + 1 - prompt_tokens} tokens"
