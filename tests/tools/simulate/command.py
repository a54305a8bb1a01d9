"""Shared by the tests of `pico-llama simulate`: where things are, and how it is run.

A test file is run as `test.py PICO_LLAMA Class.method`; exit code 77 means skipped.
"""
import os
import pathlib
import select
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
SDK_TESTS = ROOT / "build" / "sdk-tests"
PICO_LLAMA = sys.argv[1] if len(sys.argv) > 1 else "build/host/tools/pico-llama"


def program(name):
    """An SDK program's ELF; skips the test where the build of them is absent."""
    path = SDK_TESTS / f"{name}.elf"
    if not path.exists():
        raise unittest.SkipTest(f"{path} is not built")
    return str(path)


def simulate(*arguments, timeout=300):
    return subprocess.run([PICO_LLAMA, "simulate", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=timeout)


def read_until(descriptor, text, seconds):
    """What comes from a terminal until `text` is in it."""
    got = b""
    end = time.monotonic() + seconds
    while text not in got and time.monotonic() < end:
        if select.select([descriptor], [], [], 0.1)[0]:
            try:
                got += os.read(descriptor, 4096)
            except OSError:  # the program on the other side is gone
                break
    return got


class Running:
    """A simulation in the background, with the device it serves."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([PICO_LLAMA, "simulate", *map(str, arguments), "--pty", "--max-seconds", "300"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True)
        line = self.process.stderr.readline()
        prefix = "simulate: serial port at "
        if not line.startswith(prefix):
            self.process.kill()
            raise AssertionError(f"no device: {line}{self.process.stderr.read()}")
        self.device = line[len(prefix):].strip()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait(10)
        self.process.stderr.close()


def main():
    os.chdir(ROOT)
    names = sys.argv[2:3]
    result = unittest.main(module="__main__", argv=["test"] + names, exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.skipped or result.testsRun == 0 else 0)
