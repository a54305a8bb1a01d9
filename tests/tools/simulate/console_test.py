"""`pico-llama console` with the real firmware on the virtual board, through the device that --pty serves."""
import fcntl
import json
import os
import pathlib
import pty
import signal
import struct
import subprocess
import tempfile
import termios
import tty
import unittest

from labels import sanitized
from virtual_board import COMMAND, FIRMWARE, PICO_TALES, Packer, Running, built, read_until, sdk_program


def console(*arguments, timeout=120):
    return subprocess.run([COMMAND, "console", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout)


class Board:
    """The firmware with the story model that ships."""

    def __enter__(self):
        built(FIRMWARE)
        self.folder = tempfile.TemporaryDirectory()
        packer = Packer(self.folder.name)
        self.running = Running(FIRMWARE, packer.cartridge(packer.pack("q8", *PICO_TALES)))
        self.running.folder = self.folder.name
        return self.running

    def __exit__(self, *unused):
        self.running.__exit__()
        self.folder.cleanup()


class Console(unittest.TestCase):
    def expect_error(self, result, code, words):
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("pico-llama: "), result.stderr)
        self.assertIn(words, result.stderr)

    def test_scripts_get_json_lines(self):
        with Board() as board:
            result = console(board.device, "--prompt", "/ is a slash", "--prompt", "x" * 1000, "--json")
            *tokens, end = map(json.loads, result.stdout.splitlines())
            self.assertEqual(end["stop"], "end")
            made = [token for token in tokens if not token.get("prompt")]
            self.assertEqual(len(made), end["tokens"])
            self.assertTrue("".join(token["text"] for token in tokens).startswith("/ is a slash"))
            self.expect_error(result, 1, "the board says: the prompt has more tokens than the context's 512; shorten it")

    def test_a_terminal_is_the_boards_until_ctrl_bracket(self):
        with Board() as board:
            # Leaves JSON mode, and the port, after an error as well.
            self.expect_error(console(board.device, "--prompt", "x" * 1000), 1, "the board says: the prompt has more tokens")
            master, slave = pty.openpty()
            before = termios.tcgetattr(slave)
            running = subprocess.Popen([COMMAND, "console", board.device], stdin=slave, stdout=slave, stderr=slave,
                                       start_new_session=True)
            read_until(master, b"Ctrl-] leaves", 30)
            os.write(master, b"/temp 0.5\r")
            self.assertIn(b"temperature 0.5", read_until(master, b"temperature 0.5", 60))
            os.write(master, b"\x1d")
            self.assertEqual(running.wait(30), 0)
            self.assertEqual(termios.tcgetattr(slave), before)
            os.close(slave)
            os.close(master)

    def test_the_port_is_for_one_program(self):
        with Board() as board:
            first = subprocess.Popen([COMMAND, "console", board.device, "--prompt", "Once"], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.assertEqual(first.stdout.read(5), b"Once ")
            self.expect_error(console(board.device, "--prompt", "x"), 1, "another program has it open; close that one first")
            first.kill()
            first.communicate()
            # No lock outlives its program: exclusive mode would, on a pseudo terminal (but for root, who may open it anyway).
            port = os.open(board.device, os.O_RDWR | os.O_NOCTTY)
            tiocgexcl = 0x80045440
            self.assertEqual(struct.unpack("i", fcntl.ioctl(port, tiocgexcl, struct.pack("i", 0)))[0], 0)
            os.close(port)
            self.assertEqual(console(board.device, "--prompt", "One day").returncode, 0)

    def talk(self, board, *lines):
        """Types lines at the port as another program would; returns what the board says."""
        port = os.open(board.device, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(port, termios.TCSANOW)
        # On a busy machine the board may not have noticed that the port was closed since the last program: no banner then.
        said = read_until(port, b"Ctrl-C stops.\r\n> ", 20)
        for line in lines:
            os.write(port, line.encode() + b"\r")
            said = read_until(port, b"\r\n> ", 300)
        os.close(port)
        return said.decode()

    def test_settings_of_a_story_are_the_boards_again(self):
        with Board() as board:
            mine = ["temperature 0.12345", "top-p 0.4", "seed 9", "steps 30"]
            self.talk(board, "/temp 0.12345", "/topp 0.4", "/seed 9", "/steps 30")
            options = ["-t", "0.7", "--top-p", "0.8", "--seed", "11", "--steps", "40"]
            result = console(board.device, "--prompt", "Once", *options)
            self.assertEqual(result.returncode, 0, result.stderr)
            image, = pathlib.Path(board.folder).glob("*.plm")
            here = subprocess.run([COMMAND, "run", image, "-i", "Once", "-t", "0.7", "-p", "0.8", "-s", "11", "-n", "40"],
                                  capture_output=True, text=True)
            self.assertEqual(result.stdout, here.stdout)
            self.expect_error(console(board.device, "--prompt", "x" * 1000, "-t", "0"), 1, "the board says: the prompt")
            self.expect_error(console(board.device, "--prompt", "x", "-s", "5", "-t", "11"), 1, "the board says: /temp takes")
            running = subprocess.Popen([COMMAND, "console", board.device, "--prompt", "Once", "--steps", "0", "-t", "1"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.assertEqual(running.stdout.read(5), b"Once ")
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=120)
            self.assertEqual(running.returncode, 128 + signal.SIGINT)
            settings = self.talk(board, "/settings")
            for setting in mine:
                self.assertIn(setting + "\r\n", settings)

    @sanitized
    def test_ctrl_c_ends_a_port_that_says_nothing(self):
        master, slave = pty.openpty()
        running = subprocess.Popen([COMMAND, "console", os.ttyname(slave), "--prompt", "x"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertIn(b"/json on", read_until(master, b"/json on", 60))
        running.send_signal(signal.SIGINT)
        self.assertEqual(running.communicate(timeout=25), (b"", b""))  # sooner than its patience
        self.assertEqual(running.returncode, 128 + signal.SIGINT)
        os.close(slave)
        os.close(master)

    def test_ctrl_c_ends_the_story(self):
        with Board() as board:
            running = subprocess.Popen([COMMAND, "console", board.device, "--prompt", "Once"], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(running.stdout.read(5), b"Once ")
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=60)
            self.assertEqual(running.returncode, 128 + signal.SIGINT, err)
            self.assertTrue(out.endswith(b"\n"))
            self.assertEqual(err.count(b" tokens/s (first token "), 1, err)

    def test_a_board_that_goes_is_said(self):
        with Board() as board:
            running = subprocess.Popen([COMMAND, "console", board.device, "--prompt", "Once"], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            running.stdout.read(5)
            board.process.kill()
            _, err = running.communicate(timeout=60)
            self.expect_error(subprocess.CompletedProcess([], running.returncode, "", err), 1, "the board was disconnected")

    @sanitized
    def test_ports_that_are_none(self):
        self.expect_error(console("/dev/null", "--prompt", "x"), 1, "is not a serial port")
        self.expect_error(console("/dev/nowhere", "--prompt", "x"), 1, "is the board plugged in?")
        with Running(sdk_program("hello_usb")) as board:
            self.expect_error(console(board.device, "--prompt", "x", "--patience", "1"), 1, "has said nothing for 1 s")

    @sanitized
    def test_calls_that_cannot_be(self):
        self.expect_error(console("/dev/null"), 2, "standard input is no terminal; say --prompt")
        self.expect_error(console("/dev/null", "--json"), 2, "--json needs a --prompt")
        self.expect_error(console("/dev/null", "--seed", "1"), 2, "--seed and --steps need a --prompt")
        self.expect_error(console("/dev/null", "--prompt", "x", "-t", "hot"), 2, "'hot' is not a number")
        self.expect_error(console("/dev/null", "--prompt", "x", "-n", "-5"), 2, "'-5' is not a number")
        self.expect_error(console("/dev/null", "--prompt", "\n" * 520), 2, "and the board takes 1023")
        self.expect_error(console("/dev/null", "--prompt", "/" + "x" * 1023), 2, "and the board takes 1023")
