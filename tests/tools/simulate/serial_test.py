"""Debian's picocom and pyserial on the device that --pty serves."""
import os
import pty
import random
import shutil
import signal
import subprocess
import termios
import time
import unittest

from labels import sanitized
from virtual_board import COMMAND, Running, read_until, sdk_program


class Picocom(unittest.TestCase):
    def test_shows_the_hello_text(self):
        if shutil.which("picocom") is None:
            self.skipTest("picocom is not installed")
        with Running(sdk_program("hello_usb")) as board:
            master, slave = pty.openpty()
            picocom = subprocess.Popen(["picocom", "--quiet", "--baud", "115200", board.device], stdin=slave,
                                       stdout=slave, stderr=slave, start_new_session=True)
            os.close(slave)
            text = read_until(master, b"done", 120)
            os.write(master, b"\x01\x18")  # Ctrl-A Ctrl-X: leave
            end = time.monotonic() + 10
            while picocom.poll() is None and time.monotonic() < end:
                read_until(master, b"\0", 0.1)  # it waits for its own output to drain
            self.assertEqual(picocom.returncode, 0)
            os.close(master)
            for line in (b"hello usb 0 0.000000000000000", b"hello usb 1 0.333333333000000",
                         b"hello usb 2 0.666666667000000", b"done"):
                self.assertIn(line, text)


class Terminal(unittest.TestCase):
    def run_in_terminal(self, leave):
        """Runs usb_echo in a terminal of its own, types, leaves; returns what was shown and the exit code."""
        master, slave = pty.openpty()
        before = termios.tcgetattr(slave)
        board = subprocess.Popen([COMMAND, "simulate", sdk_program("usb_echo")], stdin=slave, stdout=slave,
                                 stderr=slave, start_new_session=True)
        shown = read_until(master, b"Ctrl-] leaves", 30)
        end = time.monotonic() + 10
        while termios.tcgetattr(slave)[3] & termios.ICANON and time.monotonic() < end:
            time.sleep(0.01)
        self.assertFalse(termios.tcgetattr(slave)[3] & (termios.ICANON | termios.ECHO | termios.ISIG))
        os.write(master, b"typed\x03")
        shown += read_until(master, b"typed\x03", 60)
        leave(board, master)
        code = board.wait(30)
        self.assertEqual(termios.tcgetattr(slave), before)
        os.close(slave)
        os.close(master)
        return shown, code

    @sanitized
    def test_is_raw_and_ctrl_bracket_leaves(self):
        shown, code = self.run_in_terminal(lambda board, master: os.write(master, b"\x1d"))
        self.assertIn(b"typed\x03", shown)  # Ctrl-C went to the board
        self.assertEqual(code, 0)

    @sanitized
    def test_is_restored_after_a_signal(self):
        _, code = self.run_in_terminal(lambda board, master: board.terminate())
        self.assertEqual(code, -signal.SIGTERM)


class PySerial(unittest.TestCase):
    def open(self, board):
        try:
            import serial
        except ImportError:
            self.skipTest("pyserial is not installed")
        return serial.Serial(board.device, 115200, timeout=60)

    def test_reads_the_hello_text(self):
        with Running(sdk_program("hello_usb")) as board, self.open(board) as port:
            lines = [port.readline().strip() for _ in range(4)]
        self.assertEqual(lines, [b"hello usb 0 0.000000000000000", b"hello usb 1 0.333333333000000",
                                 b"hello usb 2 0.666666667000000", b"done"])

    @sanitized
    def test_echo_keeps_every_byte_of_a_slow_reader(self):
        data = random.Random(1).randbytes(20_000)
        with Running(sdk_program("usb_echo")) as board, self.open(board) as port:
            port.write(data)
            time.sleep(0.3)
            got = b""
            while len(got) < len(data):
                part = port.read(min(1000, len(data) - len(got)))
                self.assertTrue(part, f"stuck after {len(got)} bytes")
                got += part
                time.sleep(0.005)
        self.assertEqual(got, data)

    @sanitized
    def test_closing_and_opening_again_works(self):
        with Running(sdk_program("usb_echo")) as board:
            for text in (b"first", b"second"):
                with self.open(board) as port:
                    port.write(text)
                    self.assertEqual(port.read(len(text)), text)
                time.sleep(0.1)
