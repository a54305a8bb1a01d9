"""`simulate --boot-rom`: the firmware under the boot ROM of a chip, and the cases of flashing_test.py. Only the refusals need none."""
import os
import pathlib
import subprocess
import tempfile
import unittest

import flashing_test

from virtual_board import COMMAND, FIRMWARE, PICO_TALES, Packer, built, simulate


class BootRom(unittest.TestCase):
    def test_other_files_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            for size in (0, 16384, 32768):
                path = pathlib.Path(folder) / "rom.bin"
                path.write_bytes(bytes(size))
                run = simulate("--boot-rom", path, "--picoboot", "info")
                self.assertEqual((run.returncode, run.stderr.count(b"\n")), (1, 1), run.stderr)

    def setUp(self):
        self.rom = os.environ.get("PICO_LLAMA_BOOT_ROM")

    def test_the_same_story_after_each_restart(self):
        if self.rom is None:
            self.skipTest("PICO_LLAMA_BOOT_ROM names no boot ROM image")
        built(FIRMWARE)
        with tempfile.TemporaryDirectory() as folder:
            image = Packer(folder).pack("q8", *PICO_TALES)
            story, script = pathlib.Path(folder) / "story.uf2", pathlib.Path(folder) / "script"
            subprocess.run([COMMAND, "uf2", FIRMWARE, image, "-o", story], check=True, stderr=subprocess.DEVNULL)
            tell = "expect Type how\nsend /temp 0\nsend /steps 40\nsend Once\nexpect tok/s\n"
            script.write_text(tell + "send /reboot\n" + tell)
            runs = [simulate(*rom, story, "--script", script, "--max-seconds", 30) for rom in ([], ["--boot-rom", self.rom])]
            for run in runs:
                self.assertEqual(run.returncode, 0, run.stderr)
            model, real = ([told.split(b"[")[0] for told in run.stdout.split(b"> Once\r\n")[1:]] for run in runs)
            self.assertEqual(len(model), 2)
            self.assertEqual(real, model)
            run = simulate("--boot-rom", self.rom, story, "--send", "/bootrom", "--expect", ":00000001FF", "--max-seconds", 30)
            self.assertEqual(run.returncode, 0, run.stderr)
            records = [bytes.fromhex(line[1:].decode()) for line in run.stdout.split(b"\r\n") if line.startswith(b":10")]
            self.assertEqual(b"".join(record[4:-1] for record in records), pathlib.Path(self.rom).read_bytes())
            for fault in ("flash-4mb", "flash-no-qe", "flash-no-continuous", "flash-foreign", "flash-late"):
                run = simulate("--boot-rom", self.rom, story, "--fault", fault, "--send", "/temp 0", "--send", "/steps 40",
                               "--send", "Once", "--expect", "tok/s", "--max-seconds", 30)
                self.assertEqual(run.returncode, 0, run.stderr)
                self.assertEqual(run.stdout.split(b"> Once\r\n")[1].split(b"[")[0], model[0], fault)


class FlashingOfAChip(flashing_test.Flashing):
    @classmethod
    def setUpClass(cls):
        path = os.environ.get("PICO_LLAMA_BOOT_ROM")
        if path is None:
            raise unittest.SkipTest("PICO_LLAMA_BOOT_ROM names no boot ROM image")
        cls.rom = ["--boot-rom", path]
        super().setUpClass()


if __name__ == "__main__":
    unittest.main()
