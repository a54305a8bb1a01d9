"""A model's name, template, licence, authors and temperature, from `pack` to everything that tells stories with it."""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

from virtual_board import COMMAND, PICO_TALES, ROOT, built, find_model

SAID = {"name": "Tales", "template": "Once, {prompt}\n", "licence": "MIT", "authors": "Zoë", "temperature": 0.5}


def run(*arguments, fails=False):
    done = subprocess.run([built(COMMAND), *map(str, arguments)], capture_output=True, text=True, errors="replace")
    assert (done.returncode != 0) == fails, done.stderr
    return done.stderr if fails else done.stdout


class Metadata(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.model = find_model(*PICO_TALES)

    def pack(self, file="said.plm", **said):
        checkpoint, tokenizer = self.model
        options = [part for key, value in said.items() for part in (f"--{key}", value)]
        run("pack", checkpoint, "-z", tokenizer, "-o", self.folder / file, *options)
        return self.folder / file

    def test_readers_agree(self):
        image = self.pack(**SAID)
        self.assertEqual(json.loads(run("info", image, "--json"))["metadata"], SAID)
        read = subprocess.run([sys.executable, ROOT / "scripts/read_image.py", image, "--metadata"], capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(read.stdout), SAID)
        self.assertIn("name Tales", run("info", image))
        without = self.pack("plain.plm")
        self.assertEqual(json.loads(run("info", without, "--json"))["metadata"], {})
        self.assertEqual(image.read_bytes()[160:without.stat().st_size], without.read_bytes()[160:])

    def test_run_uses_it(self):
        image, plain = self.pack(**SAID), self.pack("plain.plm")

        def told(image, *options):
            return json.loads(run("run", image, "-s", 3, "-n", 60, "--json", *options))

        wrapped = told(plain, "-i", "Tom\n", "-t", 0.5)  # a wrong spelling of the prompt, for the comparison's sake
        by_template = told(image, "-i", "Tom")
        self.assertNotEqual(by_template["tokens"], wrapped["tokens"])
        self.assertEqual(by_template["tokens"], told(plain, "-i", "Once, Tom\n", "-t", 0.5)["tokens"])
        self.assertEqual(by_template["temperature"], 0.5)
        self.assertEqual(told(image, "-i", "Tom", "--raw", "-t", 1)["tokens"], told(plain, "-i", "Tom")["tokens"])
        self.assertEqual(told(image)["tokens"], told(plain, "-t", 0.5)["tokens"])

    def test_of_a_file_beside_the_checkpoint(self):
        """What `train` writes, until options say otherwise."""
        checkpoint, tokenizer = self.model
        copy = self.folder / "copy.bin"
        copy.write_bytes(checkpoint.read_bytes())
        beside = self.folder / "copy.metadata.json"

        def packed(*options, fails=False):
            said = run("pack", copy, "-z", tokenizer, "-o", self.folder / "copy.plm", *options, fails=fails)
            return said if fails else json.loads(run("info", self.folder / "copy.plm", "--json"))["metadata"]

        self.assertEqual(packed(), {})
        beside.write_text(json.dumps(SAID))
        self.assertEqual(packed(), SAID)
        self.assertEqual(packed("--name", "Other", "--temperature", 0), {**SAID, "name": "Other", "temperature": 0.0})
        self.assertEqual(json.loads(run("run", copy, "-z", tokenizer, "-s", 3, "-n", 40, "-i", "Tom", "--json", "--profile", "q8"))["tokens"],
                         json.loads(run("run", self.pack(**SAID), "-s", 3, "-n", 40, "-i", "Tom", "--json"))["tokens"])
        for text in ("[]", "{", '{"nom": "x"}', '{"name": 5}', '{"temperature": "hot"}', '{"temperature": -1}', '{"template": "none"}'):
            beside.write_text(text)
            self.assertIn("copy.metadata.json: ", packed(fails=True), text)

    def test_train_writes_it(self):
        text = self.folder / "text.txt"
        text.write_text("".join(f"Tom saw {number} cats. He ran home.\n\n" for number in range(400)))
        small = ["--vocab", 300, "--dim", 8, "--hidden", 8, "--layers", 1, "--heads", 2, "--kv-heads", 1, "--seq", 16, "--steps", 2, "--batch-tokens", 32]
        run("train", text, "-o", self.folder / "cats", *small, "--template", "Tom {prompt}", "--licence", "CC0", "--temperature", "0.25")
        run("pack", self.folder / "cats.bin", "-o", self.folder / "cats.plm")
        self.assertEqual(json.loads(run("info", self.folder / "cats.plm", "--json"))["metadata"],
                         {"name": "cats", "template": "Tom {prompt}", "licence": "CC0", "temperature": 0.25})

    def test_broken_ones_are_refused(self):
        checkpoint, tokenizer = self.model
        for options in (["--template", "no mark"], ["--template", "{prompt}{prompt}"], ["--name", "a\nb"], ["--name", "x" * 41],
                        ["--temperature", "11"], ["--temperature", "hot"]):
            said = run("pack", checkpoint, "-z", tokenizer, "-o", self.folder / "bad.plm", *options, fails=True)
            self.assertEqual(said.count("\n"), 1, said)
            self.assertFalse((self.folder / "bad.plm").exists())
        image = self.pack(**SAID)
        good = image.read_bytes()
        at, = struct.unpack_from("<I", good, 144)
        for offset, value in ((144, at + 4), (144, 64), (144, len(good)), (at + 4, 1 << 31), (at + 8, 600), (at + 20, 1), (at, 0x7fc00000), (at + 24, 1)):
            bad = bytearray(good)
            struct.pack_into("<I", bad, offset, value)
            struct.pack_into("<I", bad, 12, zlib.crc32(bad[16:]))
            image.write_bytes(bad)
            self.assertIn("image: ", run("info", image, fails=True), (offset, value))
            read = subprocess.run([sys.executable, ROOT / "scripts/read_image.py", image, "--metadata"], capture_output=True, text=True, errors="replace")
            self.assertNotEqual(read.returncode, 0, (offset, value))


if __name__ == "__main__":
    unittest.main()
