"""Scripts, limits, stats, profiles and exit codes of `pico-llama simulate`."""
import json
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import unittest

from labels import sanitized
from virtual_board import sdk_program, simulate


class Script(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name, contents=None):
        path = pathlib.Path(self.folder.name) / name
        if contents is not None:
            path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return path

    # pico_printf has nine decimals of a double and fills up with zeros.
    @sanitized
    def test_hello_is_on_stdout_and_nothing_else_is(self):
        run = simulate(sdk_program("hello_usb"), "--expect", "done", "--max-seconds", 5)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(run.stdout.split(b"done")[0],
                         b"hello usb 0 0.000000000000000\r\nhello usb 1 0.333333333000000\r\n"
                         b"hello usb 2 0.666666667000000\r\n")
        self.assertEqual(run.stderr, b"")

    def test_a_megabyte_each_way_with_nothing_lost(self):
        data = random.Random(5).randbytes((1 << 20) - 7) + b"THE END"
        self.path("data", data)
        run = simulate(sdk_program("usb_echo"), "--script",
                       self.path("script", f"file {self.path('data')}\nexpect THE END\n"), "--max-seconds", 60)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue(run.stdout == data, f"{len(run.stdout)} bytes came back of {len(data)}")

    @sanitized
    def test_a_host_that_stalls_loses_nothing(self):
        data = random.Random(6).randbytes(5000) + b"THE END"
        self.path("data", data)
        # stdio_usb gives up after 500 ms without a reader (PICO_STDIO_USB_STDOUT_TIMEOUT_US): stay below.
        run = simulate(sdk_program("usb_echo"), "--script",
                       self.path("script", f"stall 0.4\nfile {self.path('data')}\nexpect THE END\n"),
                       "--max-seconds", 60)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue(run.stdout == data)

    @sanitized
    def test_unplug_and_replug(self):
        script = "send one\nexpect one\nunplug\nwait 0.5\nplug\nsend two\nexpect two\n"
        run = simulate(sdk_program("usb_echo"), "--script", self.path("script", script), "--max-seconds", 30)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(run.stdout, b"one\rtwo\r"[:len(run.stdout)])
        self.assertIn(b"two", run.stdout)

    @sanitized
    def test_1200_baud_and_picotools_request_enter_bootsel(self):
        for ask in ("baud 1200", "request-bootsel"):
            run = simulate(sdk_program("hello_usb"), "--script",
                           self.path("script", f"expect done\n{ask}\nexpect-bootsel\n"), "--max-seconds", 10)
            self.assertEqual(run.returncode, 0, run.stderr)

    @sanitized
    def test_picotools_request_reboots_to_flash(self):
        run = simulate(sdk_program("hello_usb"), "--script",
                       self.path("script", "expect done\nrequest-flash\nexpect done\n"), "--max-seconds", 10)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(run.stdout.count(b"hello usb 2"), 2)

    @sanitized
    def test_adc_voltages_and_temperature_of_a_script(self):
        script = "adc 0 0.825\nadc 1 1.65\nadc 2 3.3\ntemperature 41\nexpect done\n"
        run = simulate(sdk_program("adc_dma"), "--uart", "--script", self.path("script", script), "--max-seconds", 5)
        self.assertEqual(run.returncode, 0, run.stderr)
        for line in (b"once 2048", b"temperature 41", b"input 0 mean 1024", b"input 1 mean 2048", b"input 2 mean 4095"):
            self.assertIn(line, run.stdout)

    @sanitized
    def test_i2c_parts_of_the_command_line(self):
        self.path("registers", bytes(0x10) + b"\xde\x00\x7f")
        run = simulate(sdk_program("i2c_scan"), "--uart", "--attach", f"i2c-registers@12,13,0x2a={self.path('registers')}",
                       "--attach", "i2c-eeprom@12,13,0x50", "--expect", "nobody -1", "--max-seconds", 5)
        self.assertEqual(run.returncode, 0, run.stderr)
        for line in (b"found 2a", b"found 50", b"registers de 00 7f", b"eeprom same after acknowledge polling"):
            self.assertIn(line, run.stdout)

    @sanitized
    def test_an_spi_flash_of_the_command_line(self):
        run = simulate(sdk_program("spi_flash"), "--uart", "--attach", "spi-flash@17,18,19,16", "--expect", "dma same",
                       "--max-seconds", 5)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(b"id ef 40 14", run.stdout)

    # PSRAM at 109 MHz, linear: beyond its rating.
    @sanitized
    def test_lenient_warns_once_where_strict_stops(self):
        program = (sdk_program("psram_109mhz"), "--uart", "--expect", "psram: PASS", "--max-seconds", 5)
        strict = simulate(*program)
        self.assertEqual(strict.returncode, 1, strict.stderr)
        self.assertIn(b"109.0 MHz is beyond the 84.0 MHz", strict.stderr)
        lenient = simulate(*program, "--lenient")
        self.assertEqual(lenient.returncode, 0, lenient.stderr)
        self.assertIn(b"psram: PASS", lenient.stdout)
        self.assertEqual(lenient.stderr.count(b"109.0 MHz is beyond the 84.0 MHz of command EBh"), 1, lenient.stderr)

    @sanitized
    def test_the_limit_before_the_end_is_exit_3(self):
        run = simulate(sdk_program("hello_usb"), "--expect", "never printed", "--max-seconds", 0.5)
        self.assertEqual(run.returncode, 3)
        self.assertIn(b'waits for "never printed"', run.stderr)
        self.assertEqual(run.stderr.count(b"\n"), 1)
        run = simulate(sdk_program("hello_usb"), "--send", "x", "--max-cycles", 60_000_000)
        self.assertEqual(run.returncode, 0, run.stderr)

    @sanitized
    def test_the_same_run_gives_the_same_stats(self):
        for name in ("a", "b"):
            run = simulate(sdk_program("hello_usb"), "--expect", "done", "--max-seconds", 5, "--stats", self.path(name))
            self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.path("a").read_bytes(), self.path("b").read_bytes())
        stats = json.loads(self.path("a").read_text())
        self.assertGreater(stats["instructions"], 10_000)
        self.assertEqual(stats["clk_sys_hz"], 150_000_000)
        self.assertGreater(stats["xip_cache"]["hits"], 0)
        self.assertGreater(stats["qspi"]["flash"]["bytes_read"], 0)
        self.assertGreater(stats["usb"]["bytes_in"], 100)
        self.assertNotIn("real_seconds", stats)
        self.assertGreater(stats["simulated_seconds"], 0.1)
        run = simulate(sdk_program("hello_usb"), "--expect", "done", "--max-seconds", 5, "--stats", self.path("c"), "--stats-real")
        self.assertGreater(json.loads(self.path("c").read_text())["real_seconds"], 0)

    @sanitized
    def test_profile_opens_in_callgrinds_own_tool(self):
        run = simulate(sdk_program("hello_usb"), "--expect", "done", "--max-seconds", 5, "--profile", self.path("out"),
                       "--stats", self.path("stats"))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("main", self.path("out.txt").read_text())
        if shutil.which("callgrind_annotate") is None:
            self.skipTest("callgrind_annotate is not installed")
        shown = subprocess.run(["callgrind_annotate", "--auto=no", self.path("out")], capture_output=True, text=True)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("PROGRAM TOTALS", shown.stdout)
        cores = json.loads(self.path("stats").read_text())["cores"]
        total = int(shown.stdout.split("PROGRAM TOTALS")[0].splitlines()[-1].split()[0].replace(",", ""))
        # Core 1 waits in the boot ROM, where no instruction is executed; core 0's calls of it are no instructions.
        awake = sum(core["cycles"] - core["sleep_cycles"] for core in cores if core["instructions"])
        self.assertLessEqual(total, awake)
        self.assertGreater(total, awake * 0.99)


class BadInput(unittest.TestCase):
    def check(self, contents, name, *words):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / name
            path.write_bytes(contents)
            run = simulate(path, "--expect", "never", "--max-seconds", 1)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertEqual(run.stdout, b"")
        self.assertEqual(run.stderr.count(b"\n"), 1, run.stderr)
        for word in words:
            self.assertIn(word, run.stderr.decode())

    @staticmethod
    def block(number, count, address, family, payload=bytes(256)):
        return (struct.pack("<8I", 0x0A324655, 0x9E5D5157, 0x2000, address, 256, number, count, family) +
                payload.ljust(476, b"\0") + struct.pack("<I", 0x0AB16F30))

    @sanitized
    def test_files_that_are_no_firmware_are_refused_in_one_line(self):
        arm_s = 0xE48BFF59
        self.check(b"", "empty.uf2")
        self.check(b"hello", "text.uf2")
        self.check(self.block(0, 1, 0x10000000, 0xE48BFF56), "rp2040.uf2", "RP2040")
        self.check(self.block(0, 1, 0x10000000, arm_s)[:300], "cut.uf2")
        self.check(self.block(0, 2, 0x10000000, arm_s, b"a") + self.block(1, 2, 0x10000000, arm_s, b"b"), "twice.uf2")
        self.check(self.block(0, 1, 0x11000000, arm_s), "beyond.uf2", "16 MB")
        self.check(self.block(0, 1, 0x10000000, arm_s), "blank.uf2", "BOOTSEL")
        self.check(pathlib.Path("/bin/true").read_bytes(), "x86.elf")
        missing = simulate("/nonexistent.uf2", "--expect", "x", "--max-seconds", 1)
        self.assertEqual((missing.returncode, missing.stderr.count(b"\n")), (1, 1))


class Usage(unittest.TestCase):
    def check(self, *arguments):
        run = simulate(*arguments)
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertEqual(run.stderr.count(b"\n"), 1, run.stderr)
        self.assertEqual(run.stdout, b"")
        return run.stderr.decode()

    @sanitized
    def test_bad_options_are_usage_errors(self):
        self.check()
        self.check("x.elf", "--board", "arduino")
        self.check("x.elf", "--pty", "--expect", "x")
        self.check("x.elf", "--send", "x")
        self.check("x.elf", "--expect", "x", "--max-seconds", "soon")
        self.check("x.elf", "--expect", "\\q")
        self.assertIn("would end the run before it begins", self.check("x.elf", "--max-cycles", "0"))
        self.assertIn("would end the run before it begins", self.check("x.elf", "--max-seconds", "0"))
        self.check("x.elf", "--gdb", "0")
        self.check("x.elf", "--gdb", "3333", "--profile", "out")
        self.assertIn("give a file name", self.check("x.elf", "--led", "-"))  # standard error is a pipe here
        self.assertIn("psram-absent", self.check("x.elf", "--fault", "nonsense"))
        self.check("x.elf", "--fault", "button")
        self.assertIn("spi-flash", self.check("x.elf", "--attach", "lamp@3"))
        self.assertIn("i2c-eeprom@SDA,SCL,ADDRESS", self.check("x.elf", "--attach", "i2c-eeprom@3"))
        self.check("x.elf", "--fault", "psram-absent@3")
