"""`pico-llama simulate` with the real firmware: files of each kind, piped input, signals, the end of a script."""
import json
import os
import pathlib
import pty
import signal
import subprocess
import tempfile
import time
import unittest

from virtual_board import COMMAND, FIRMWARE, PICO_TALES, Packer, built, read_until, simulate


class Firmware(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # An interrupted child: Python's handler is the default's place (a shell may have started this with SIGINT ignored).
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def setUp(self):
        built(FIRMWARE)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        packer = Packer(folder.name)
        self.image = packer.pack("q8", *PICO_TALES)
        self.uf2 = packer.cartridge(self.image)

    def path(self, name):
        return self.folder / name


class Files(Firmware):
    def told(self, *files):
        run = simulate(*files, "--send", "/temp 0", "--send", "/steps 20", "--send", "Once", "--expect", "tok/s", "--max-seconds", 30)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout.split(b"> Once\r\n")[1]

    def test_any_kind_of_file_carries_firmware_or_model(self):
        firmware, story = self.path("fw.uf2"), self.path("story.uf2")
        subprocess.run([COMMAND, "uf2", FIRMWARE, "-o", firmware], check=True, stderr=subprocess.DEVNULL)
        subprocess.run([COMMAND, "uf2", FIRMWARE, self.image, "-o", story], check=True, stderr=subprocess.DEVNULL)
        reference = self.told(FIRMWARE, self.uf2)
        for files in ((FIRMWARE, self.image), (firmware, self.uf2), (firmware, self.image), (story,), (self.image, firmware)):
            self.assertEqual(self.told(*files), reference, files)

    def test_a_second_model_goes_behind_the_first(self):
        run = simulate(FIRMWARE, self.uf2, self.image, "--send", "/model 3", "--expect", "the flash holds", "--max-seconds", 30)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(b"the flash holds 2 models", run.stdout)

    def test_a_damaged_model_is_refused(self):
        data = bytearray(self.image.read_bytes())
        data[len(data) // 2] ^= 1
        self.path("bad.plm").write_bytes(data)
        run = simulate(FIRMWARE, self.path("bad.plm"), "--expect", "x", "--max-seconds", 1)
        self.assertEqual((run.returncode, run.stderr.count(b"\n")), (1, 1), run.stderr)
        self.assertIn(b"bad.plm", run.stderr)


class End(Firmware):
    def test_the_line_of_the_last_expected_text_is_whole(self):
        script = ["--send", "/seed 7", "--send", "/steps 20", "--send", "Once", "--max-seconds", 30]
        short = simulate(FIRMWARE, self.uf2, *script, "--expect", "tok/s")
        self.assertEqual(short.returncode, 0, short.stderr)
        whole = simulate(FIRMWARE, self.uf2, *script, "--expect", "tok/s", "--expect", "\n> ")
        lines = [line for line in whole.stdout.split(b"\r\n") if b"tok/s" in line]
        self.assertTrue(lines[0].endswith(b"seed 7]"), lines)
        self.assertIn(lines[0] + b"\r\n", short.stdout)

    def test_a_signal_ends_the_run_and_the_reports_are_written(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            stats, profile = self.path(f"stats{number}"), self.path(f"profile{number}")
            running = subprocess.Popen([COMMAND, "simulate", FIRMWARE, self.uf2, "--expect", "never printed", "--stats", stats,
                                        "--profile", profile], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            self.assertTrue(running.stdout.read(1))
            running.send_signal(number)
            running.communicate(timeout=120)
            self.assertEqual(running.returncode, -number)
            self.assertGreater(json.loads(stats.read_text())["instructions"], 10_000)
            self.assertIn("events: ", profile.read_text())
            # Functions with their source, whatever ran until the signal came.
            self.assertRegex(self.path(f"profile{number}.txt").read_text(), r"_reset_handler \(crt0\.S:\d+\)")

    def test_a_signal_ends_pty_and_pipe_with_their_reports(self):
        for options in (["--pty"], []):
            stats = self.path(f"stats{len(options)}")
            running = subprocess.Popen([COMMAND, "simulate", FIRMWARE, *options, "--stats", stats], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertTrue((running.stderr if options else running.stdout).read(1))
            running.terminate()
            self.assertEqual(running.wait(120), -signal.SIGTERM)
            for stream in (running.stdin, running.stdout, running.stderr):
                stream.close()
            self.assertGreater(json.loads(stats.read_text())["cycles"], 0)


class PipedInput(Firmware):
    def pipe(self, text):
        run = subprocess.run([COMMAND, "simulate", FIRMWARE, self.uf2], input=text, capture_output=True, timeout=500)
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        return run.stdout

    def test_the_run_ends_with_the_last_story(self):
        said = self.pipe(b"/steps 12\nOnce\nOne day")  # the last line without its end
        self.assertEqual(said.count(b"tok/s"), 2, said)
        self.assertTrue(said.endswith(b"\r\n> "), said)

    def test_no_input_ends_after_the_banner(self):
        self.assertTrue(self.pipe(b"").endswith(b"Ctrl-C stops.\r\n> "))

    def test_more_lines_than_the_board_keeps_during_a_story(self):
        stories = 40
        said = self.pipe(b"/steps 6\n" + b"".join(b"Once upon a time there was number %d\n" % i for i in range(stories)))
        self.assertEqual(said.count(b"; seed "), stories, said)
        self.assertNotIn(b"were dropped", said)

    def test_a_press_of_the_button_still_to_come_is_waited_for(self):
        run = subprocess.run([COMMAND, "simulate", FIRMWARE, self.uf2, "--fault", "button@2+0.1"], stdin=subprocess.DEVNULL,
                             capture_output=True, timeout=500)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(run.stdout.count(b"tok/s"), 1, run.stdout)


class RealTime(Firmware):
    def test_a_terminal_is_told_once_that_the_simulator_is_slow(self):
        master, slave = pty.openpty()
        running = subprocess.Popen([COMMAND, "simulate", FIRMWARE, self.uf2], stdin=slave, stdout=slave, stderr=slave,
                                   start_new_session=True)
        shown = read_until(master, b"\n> ", 300)
        self.assertNotIn(b"Once", shown)
        for _ in range(2):  # a computer that is too slow: one that stands still
            os.write(master, b"/steps 20\rOnce\r")
            running.send_signal(signal.SIGSTOP)
            time.sleep(3)
            running.send_signal(signal.SIGCONT)
            story = read_until(master, b"tok/s", 300)
            if b"\n> " not in story.partition(b"tok/s")[2]:  # the prompt may have come with the same read
                story += read_until(master, b"\n> ", 300)
            shown += story
        os.write(master, b"\x1d")
        self.assertEqual(running.wait(60), 0)
        shown += read_until(master, b"\0", 0.2)
        os.close(slave)
        os.close(master)
        self.assertEqual(shown.count(b"slower than real time: a second of the board takes "), 1, shown)
        line = shown[:shown.index(b"simulate: slower")]
        self.assertTrue(line.endswith(b"\n"), shown)
