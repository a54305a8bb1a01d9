"""gdb-multiarch attached to the virtual board."""
import shutil
import socket
import subprocess
import unittest

from labels import sanitized
from virtual_board import COMMAND, sdk_program


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Gdb(unittest.TestCase):
    def debug(self, name, *commands):
        if shutil.which("gdb-multiarch") is None:
            self.skipTest("gdb-multiarch is not installed")
        elf = sdk_program(name)
        port = free_port()
        board = subprocess.Popen([COMMAND, "simulate", elf, "--gdb", str(port), "--expect", "done", "--max-seconds",
                                  "20"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            board.stderr.readline()  # it listens
            arguments = ["gdb-multiarch", "-nx", "-batch", "-ex", "set confirm off", "-ex", "set pagination off",
                         "-ex", f"target remote 127.0.0.1:{port}"]
            for command in commands:
                arguments += ["-ex", command]
            gdb = subprocess.run(arguments + [elf], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
            out, error = board.communicate(timeout=180)
            return gdb.stdout + gdb.stderr, out, error, board.returncode
        finally:
            board.kill()
            board.wait()

    @sanitized
    def test_breakpoint_registers_and_detach(self):
        shown, out, error, code = self.debug(
            "hello_usb", "break main", "continue", "info threads", "print/x $sp", "info registers xpsr",
            "print $s0", "print/x $fpscr", "print/x $msp", "x/2xw 0x10000000", "print/x *(unsigned *)0xe000ed00",
            "delete", "detach")
        self.assertIn("Breakpoint 1, main", shown)
        self.assertIn("core 0", shown)
        self.assertIn("core 1", shown)
        self.assertIn("0x20082000", shown)  # the stack pointer starts at the end of SCRATCH_Y
        self.assertIn("0x411fd210", shown)  # CPUID: Cortex-M33 r1p0
        self.assertNotIn("rror", shown)
        # Detached, the board runs on and prints all it has.
        self.assertEqual(code, 0, error + shown)
        self.assertIn("hello usb 2 0.666666667000000", out)

    @sanitized
    def test_step_finish_and_variables(self):
        shown, *_ = self.debug("hello_usb", "break sleep_ms", "continue", "backtrace", "stepi", "stepi", "print/x $pc",
                               "print $r0", "kill")
        self.assertIn("Breakpoint 1, sleep_ms", shown)
        self.assertIn("main", shown)
        self.assertNotIn("rror", shown)

    @sanitized
    def test_watchpoint_stops_at_the_writer(self):
        shown, *_ = self.debug("hello_usb", "break main", "continue", "delete", "watch *(unsigned *)0x50110050",
                               "rwatch *(unsigned *)0x400b0028", "continue", "kill")
        self.assertIn("atchpoint", shown)
        self.assertIn("Value =", shown)

    @sanitized
    def test_memory_and_registers_can_be_changed(self):
        shown, *_ = self.debug("hello_usb", "break main", "continue", "set var *(unsigned *)0x20070000 = 0x12345678",
                               "x/xw 0x20070000", "set var *(char *)0x20070001 = 0", "x/xw 0x20070000", "set $r5 = 77",
                               "print $r5", "set $s3 = 1.5", "print $s3", "kill")
        self.assertIn("0x12345678", shown)
        self.assertIn("0x12340078", shown)
        self.assertIn("= 77", shown)
        self.assertIn("= 1.5", shown)
