"""A program that leaves DTR low: the firmware finds it by what it reads, and is not held up by one that does not."""
import os
import subprocess
import tempfile
import termios
import tty
import unittest

from virtual_board import COMMAND, FIRMWARE, PICO_TALES, Packer, Running, built, play, read_until


class WithoutDtr(unittest.TestCase):
    def setUp(self):
        built(FIRMWARE)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        packer = Packer(self.folder)
        self.images = (FIRMWARE, packer.cartridge(packer.pack("q8", *PICO_TALES)))

    def play(self, *script):
        return play(self.folder, self.images, script, ["--no-dtr"])

    def test_it_gets_banner_and_story(self):
        said = self.play("expect Ctrl-C stops.", "expect > ", "send /seed 7", "send /steps 400", "send Once", "expect tok/s")
        with_dtr = play(self.folder, self.images, ["expect > ", "send /seed 7", "send /steps 400", "send Once", "expect tok/s"])

        def story(text):
            return text.split("> Once\n")[1].rsplit("\n", 2)[0]  # without the line of speeds
        self.assertEqual(story(said), story(with_dtr))
        self.assertEqual(said.count("Ctrl-C stops."), 1)

    def test_each_opening_gets_a_banner_and_json_ends_with_the_last(self):
        said = self.play("expect > ", "send /json on", "expect json on", "close", "wait 3", "open", "expect Ctrl-C stops.",
                         "send /steps 5", "expect steps 5", "expect > ")
        self.assertEqual(said.count("Ctrl-C stops."), 2)

    def test_dtr_that_falls_and_rises(self):
        said = play(self.folder, self.images, ["expect > ", "dtr off", "expect Ctrl-C stops.", "expect > ", "send /steps 5",
                                               "expect steps 5", "dtr on", "expect Ctrl-C stops.", "expect > ",
                                               "send /steps 6", "expect steps 6"])
        self.assertEqual(said.count("Ctrl-C stops."), 3)

    def test_one_that_stops_reading_does_not_hold_the_board_up(self):
        # A story longer than all that USB holds; the button starts the next one while nobody reads.
        said = self.play("expect > ", "stall 20", "send Once", "wait 12", "press", "wait 0.2", "release", "wait 9",
                         "expect Ctrl-C stops.", "send /steps 5", "expect steps 5")
        self.assertNotIn("Ctrl-C stops.", said.rsplit("Ctrl-C stops.", 1)[1])

    def test_a_pseudo_terminal(self):
        with Running(*self.images, "--no-dtr") as board:
            port = os.open(board.device, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(port, termios.TCSANOW)
            self.assertIn(b"Ctrl-C stops.", read_until(port, b"> ", 300))
            os.write(port, b"/steps 5\rOnce\r")
            self.assertIn(b"tok/s", read_until(port, b"tok/s", 300))
            os.close(port)

    def test_console(self):
        with Running(*self.images, "--no-dtr") as board:
            run = subprocess.run([COMMAND, "console", board.device, "--prompt", "Once"], stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True, timeout=300)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertTrue(run.stdout.startswith("Once "), run.stdout)
