"""The same sources give the same UF2 in any folder."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import virtual_board
from labels import long
from virtual_board import ROOT


class SameBitsAnywhere(unittest.TestCase):
    def build(self, source):
        """The UF2 of the preset `firmware`, compiled there without a cache."""
        command = virtual_board.built(virtual_board.COMMAND)
        sdk = os.environ.get("PICO_SDK_PATH", ROOT / ".deps/pico-sdk")
        (source / ".deps").mkdir(exist_ok=True)
        for name in ("pico-sdk", "tinyusb"):  # a folder each, as scripts/setup.sh leaves them
            if (ROOT / ".deps" / name).exists() and not (source / ".deps" / name).exists():
                shutil.copytree(ROOT / ".deps" / name, source / ".deps" / name)
        own = source / ".deps/pico-sdk"
        environment = {**os.environ, "CCACHE_DISABLE": "1", "PICO_SDK_PATH": str(own if own.exists() else sdk)}
        for step in (["cmake", "--preset", "firmware", f"-DPICO_LLAMA_COMMAND={command}"], ["cmake", "--build", "--preset", "firmware"]):
            run = subprocess.run(step, cwd=source, env=environment, capture_output=True, text=True)
            self.assertEqual(run.returncode, 0, run.stdout[-3000:] + run.stderr[-3000:])
        return (source / "build/firmware/firmware.uf2").read_bytes()

    @long
    def test_two_folders_one_uf2(self):
        names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True)
        if names.returncode != 0:
            self.skipTest("not a git checkout")
        images = []
        with tempfile.TemporaryDirectory() as scratch:
            for folder in ("a", "another folder/of another length/b"):
                source = pathlib.Path(scratch) / folder
                for name in filter(None, names.stdout.split("\0")):
                    if (ROOT / name).is_file():
                        (source / name).parent.mkdir(parents=True, exist_ok=True)
                        shutil.copy(ROOT / name, source / name)
                images.append(self.build(source))
        self.assertGreater(len(images[0]), 100_000)
        self.assertTrue(images[0] == images[1], "the UF2s differ")
