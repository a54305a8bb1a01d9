"""Flashing in BOOTSEL mode as a user does it: UF2 files dragged to the USB drive, and PICOBOOT; then the firmware tells a story.
By the model of the boot ROM; by a chip's own: boot_rom_test.py."""
import pathlib
import subprocess
import tempfile
import unittest

from virtual_board import COMMAND, FIRMWARE, PICO_TALES, Packer, built, simulate



def telling(steps):
    return ("--send", "/temp 0", "--send", f"/steps {steps}", "--send", "Once", "--expect", "tok/s", "--max-seconds", 90)


TELL = telling(20)


class Flashing(unittest.TestCase):
    rom = []

    @classmethod
    def setUpClass(cls):
        built(FIRMWARE)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        packer = Packer(folder.name)
        cls.image = packer.pack("q8", *PICO_TALES)
        cls.model = packer.cartridge(cls.image)
        cls.firmware, cls.both = cls.folder / "firmware.uf2", cls.folder / "story.uf2"
        subprocess.run([COMMAND, "uf2", FIRMWARE, "-o", cls.firmware], check=True, stderr=subprocess.DEVNULL)
        subprocess.run([COMMAND, "uf2", FIRMWARE, cls.image, "-o", cls.both], check=True, stderr=subprocess.DEVNULL)
        run = simulate(cls.both, *TELL)
        cls.story = cls.story_of(run)

    @staticmethod
    def story_of(run):
        assert run.returncode == 0, run.stderr
        return run.stdout.split(b"> Once\r\n")[-1].split(b"[")[0]

    @staticmethod
    def speed_of(run):
        """Tokens a second of the generation, as the console prints it."""
        return float(run.stdout.split(b"tokens, ")[-1].split(b" tok/s")[0])

    def simulate(self, *arguments):
        return simulate(*self.rom, *arguments)

    def write(self, name, contents):
        path = self.folder / name
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return path

    def test_a_blank_board_takes_program_and_model_in_one_file_or_in_two(self):
        # The same cycles a token. USB interrupts and flushes of the console come at other places of a story that begins later, so
        # the story is long enough for one more or less of them not to count: one unit of the last printed digit.
        tell = telling(200)
        usual = simulate(self.both, *tell)
        for files in ([self.both], [self.firmware, self.model]):
            drags = [argument for file in files for argument in ("--drag", file)]
            run = self.simulate(*drags, *tell)
            self.assertEqual(self.story_of(run), self.story_of(usual), files)
            self.assertLessEqual(abs(round(10 * self.speed_of(run)) - round(10 * self.speed_of(usual))), 1, files)
            self.assertEqual(run.stderr, b"")

    def test_every_flash_fault(self):
        for fault in ("flash-4mb", "flash-no-qe", "flash-no-continuous", "flash-foreign", "flash-late"):
            run = self.simulate("--drag", self.both, "--fault", fault, *TELL)
            self.assertEqual(self.story_of(run), self.story, fault)
        cut = self.simulate("--drag", self.both, "--fault", "power-cut@2", *TELL)
        self.assertEqual(cut.returncode, 1)
        self.assertIn(b"the drive went away", cut.stderr)

    def test_from_the_console_to_bootsel_and_back(self):
        script = f"expect Type how\nsend /bootsel\nexpect-bootsel\ndrag {self.model}\nexpect Type how\nsend /reboot\n" \
                 "expect Type how\nsend /temp 0\nsend /steps 20\nsend Once\nexpect tok/s\n"
        run = self.simulate(self.firmware, "--script", self.write("script", script), "--max-seconds", 60)
        self.assertEqual(self.story_of(run), self.story)
        self.assertEqual(run.stdout.count(b"Type how a story begins"), 3)  # before, after the drag, after /reboot

    def test_a_damaged_file_leaves_the_drive_there(self):
        data = bytearray(self.both.read_bytes())
        data[100 * 512] ^= 1
        run = self.simulate("--drag", self.write("damaged.uf2", bytes(data)), *TELL)
        self.assertEqual((run.returncode, run.stdout), (1, b""))
        self.assertEqual(run.stderr.count(b"\n"), 1)
        self.assertIn(b"the board does not restart: no whole UF2", run.stderr)

    def test_of_joined_files_the_first_restarts_the_board(self):
        joined = self.write("joined.uf2", self.both.read_bytes() + self.model.read_bytes())
        script = f"power-bootsel\ndrag {joined}\n"
        run = self.simulate("--script", self.write("script", script), "--max-seconds", 60)
        self.assertEqual(run.returncode, 1)
        # A2's boot ROM still answers, that the drive is protected, before it restarts.
        self.assertIn(b"write-protected" if self.rom else b"the drive went away", run.stderr)

    def test_picoboot(self):
        data = bytes(range(256)) * 3
        self.write("data", data)
        back = self.folder / "back"
        commands = ["info", "erase 0x10400000 8192", f"write 0x10400000 {self.folder / 'data'}", f"read 0x10400000 1000 {back}",
                    f"load {self.both}", "reboot"]
        run = self.simulate(*[argument for command in commands for argument in ("--picoboot", command)], *TELL)
        self.assertEqual(self.story_of(run), self.story)
        self.assertIn(b"RP2350B in BOOTSEL mode, chip id ", run.stderr)
        self.assertEqual(back.read_bytes(), data + b"\xff" * (1000 - len(data)))

    def test_picoboot_refuses_in_one_line(self):
        run = self.simulate("--picoboot", "erase 0x10000001 4096", "--max-seconds", 5)
        self.assertEqual((run.returncode, run.stderr), (1, b"simulate: picoboot erase: BAD_ALIGNMENT\n"))
        for command in ("bogus", "erase", "erase x 1", "write 0 0 0"):
            run = self.simulate("--picoboot", command)
            self.assertEqual((run.returncode, run.stderr.count(b"\n")), (2, 1), run.stderr)
        run = self.simulate("--picoboot", "info", "--max-seconds", 5)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_other_files_and_nothing_at_all(self):
        run = self.simulate("--drag", self.write("letter.txt", "Dear board"), "--max-seconds", 5)
        self.assertEqual((run.returncode, run.stderr.count(b"\n")), (1, 1), run.stderr)
        run = self.simulate("--drag", self.folder / "absent.uf2")
        self.assertEqual((run.returncode, run.stderr.count(b"\n")), (1, 1), run.stderr)
        run = self.simulate("--max-seconds", 1)
        self.assertEqual((run.returncode, run.stderr.count(b"\n")), (2, 1), run.stderr)


if __name__ == "__main__":
    unittest.main()
