"""/selftest, and what the firmware does about its own faults: images with instructions changed."""
import pathlib
import re
import struct
import subprocess

import virtual_board
from board_test_case import SHORT, BoardTest, expect, led_changes, rows_of_blinks
from virtual_board import BUILD, built


class PatchedFirmware(BoardTest):
    def test_selftest(self):
        text = self.play(["expect > ", "send /selftest", "expect selftest: ", "expect > "], self.pack("q8"), seconds=120)
        expect(text, "every bit of 8,388,608 B", "2 cores", "as on a PC", "read PSRAM: one core ", "selftest: 0 failed")
        # Every kernel's results, also of those with nothing on the board to compare them with, are this computer's.
        on_board = dict(re.findall(r"^ok +kernel (\w+) .*CRC32 ([0-9a-f]{8})$", text, re.MULTILINE))
        here = dict(line.split() for line in subprocess.run([built(BUILD / "tests/firmware/app/kernel_digests")], capture_output=True, check=True, text=True)
                    .stdout.splitlines())
        assert here and on_board == here, (on_board, here)

    def listing(self):
        return subprocess.run(["arm-none-eabi-objdump", "-d", "-C", virtual_board.FIRMWARE], capture_output=True, check=True,
                              text=True).stdout.splitlines()

    def with_code(self, address, change):
        """The firmware with the four bytes at an address changed."""
        image = bytearray(pathlib.Path(virtual_board.FIRMWARE).read_bytes())
        program_headers, = struct.unpack_from("<I", image, 28)
        size, count = struct.unpack_from("<HH", image, 42)
        for i in range(count):
            _, offset, virtual, _, in_file = struct.unpack_from("<5I", image, program_headers + i * size)
            if virtual <= address < virtual + in_file:
                at = offset + address - virtual
                image[at:at + 4] = change(bytes(image[at:at + 4]))
                path = self.scratch / "patched.elf"
                path.write_bytes(image)
                return path
        raise AssertionError(f"{address:#x} is in no segment")

    def patched(self, functions):
        """The firmware with the last multiplication of one of these functions made an addition, as one flipped bit would."""
        inside, address = False, None
        for line in self.listing():
            if line.endswith(">:"):
                inside = any(re.search(name, line) for name in functions)
            elif inside and (m := re.match(r" *([0-9a-f]+):\s+ee[26][0-9a-f] [0-9a-f]{4} \s*vmul\.f32", line)):
                address = int(m[1], 16)
        if address is None:
            raise AssertionError(f"no vmul.f32 in {functions}")

        def add(old):
            assert old[1] == 0xEE and old[0] & 0xB0 == 0x20
            return bytes([old[0] ^ 0x10]) + old[1:]  # VMUL.F32 is ee2... or ee6..., VADD.F32 ee3... or ee7...

        return self.with_code(address, add)

    def test_broken_kernels(self):
        """One wrong instruction in a kernel of the real image: /selftest names that kernel and no other."""
        script = ["expect > ", "send /selftest", "expect selftest: ", "expect > "]
        # The kernels themselves, and their code for stories260K's shapes and for two tokens.
        for kernel, function in (("matmul_q8", "m33::(anonymous namespace)::one_token_general"), ("matmul_q8", "dsp::q8_blocks_64"),
                                 ("matmul_q8", "dsp::q8_blocks_two"), ("quantize_q8", "m33::quantize_q8"),
                                 ("attention_q8", "m33::attention_q8"), ("attention_q8", "m33::attention_heads8"),
                                 ("swiglu_q8", "m33::swiglu_q8"), ("rmsnorm_q8", "m33::rmsnorm_q8")):
            functions = [re.escape(f"<pico_llama::{function}(")]
            text = self.play(script, options=["--fault", "psram-absent"], firmware=self.patched(functions))
            failed = re.findall(r"^FAILED +kernel (\w+) +(.*)$", text, re.MULTILINE)
            assert [name for name, _ in failed] == [kernel], text
            assert "differs from the portable one" in failed[0][1], failed
            print(*failed[0])

    def test_stack_overflow(self):
        """A command that pushes without end: the board restarts by itself and says why, instead of locking up."""
        help_command, = (int(line.split()[0], 16) for line in self.listing() if re.search(r"<pico_llama::app::Commands::help\(.*>:$", line))
        image = self.with_code(help_command, lambda _: b"\xf0\xb5\xfd\xe7")  # push {r4-r7, lr}; b to it
        log = self.scratch / "led"
        text = self.play(["expect > ", "send /help", "expect restarted by itself: stack overflow", "expect > ", "wait 10"],
                         options=["--led", log], firmware=image)
        expect(text, "restarted by itself: stack overflow")
        rows = rows_of_blinks(change for change in led_changes(log) if change[0] > 1)
        assert rows and set(rows) == {5}, rows

    def test_cautious_start(self):
        """Bring-up of a chip hangs, or faults: the board restarts, skips it, reports it, and generates stories."""
        def broken(function, instruction):
            address, = (int(line.split()[0], 16) for line in self.listing() if re.search(rf"{function}\(.*>:$", line))
            return self.with_code(address, lambda old: instruction + old[2:])
        script = ["expect hung or faulted on the last boot", *SHORT]
        log = self.scratch / "led"
        text = self.play([*script, "wait 6"], self.pack("q8"), ["--led", log], firmware=broken("reset_and_identify", b"\xfe\xe7"))  # b to itself
        told = max(at for at, lit in led_changes(log)) - 5
        rows = rows_of_blinks(change for change in led_changes(log) if change[0] > told)
        assert rows and set(rows) == {4}, rows
        expect(text, "! the PSRAM hung or faulted on the last boot", "PSRAM   skipped", self.token_count(24))
        text = self.play(script, self.pack("q8"), firmware=broken("identify_and_speed_up", b"\x00\xde"))  # udf
        expect(text, "restarted by itself: fault at pc", "! the flash hung or faulted on the last boot",
               "quad read, a command each (no continuous read), at 50 MHz (divider 3 to 3)", "PSRAM   8 MB, QPI at 75 MHz, tested",
               self.token_count(24))
        text = self.play(["expect the model hung or faulted", "expect > ", "send /mem", "expect stack of core 1"], self.pack("q8"),
                          firmware=broken("ModelLoader::load", b"\x00\xde"))  # udf
        expect(text, "! the model hung or faulted on the last boot")
