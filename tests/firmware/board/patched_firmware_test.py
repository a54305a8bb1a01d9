"""/selftest, and what the firmware does about its own faults: images with instructions changed."""
import pathlib
import re
import struct
import subprocess

import virtual_board
from board_test_case import SHORT, BoardTest, expect, led_changes, rows_of_blinks
from virtual_board import BUILD, ROOT, built


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

    def with_code(self, change, *addresses):
        """The firmware with the four bytes at each address changed."""
        image = bytearray(pathlib.Path(virtual_board.FIRMWARE).read_bytes())
        program_headers, = struct.unpack_from("<I", image, 28)
        size, count = struct.unpack_from("<HH", image, 42)
        segments = [struct.unpack_from("<5I", image, program_headers + i * size) for i in range(count)]
        for address in addresses:
            at, = (offset + address - virtual for _, offset, virtual, _, in_file in segments if virtual <= address < virtual + in_file)
            image[at:at + 4] = change(bytes(image[at:at + 4]))
        path = self.scratch / "patched.elf"
        path.write_bytes(image)
        return path

    def multiplications_of_kernels(self):
        """For each kernel that the board has code of its own for, and each function that it is made of: its vmul.f32."""
        found, calls, start, named = {}, {}, None, {}
        for line in self.listing():
            if m := re.match(r"([0-9a-f]{8}) <(?:.* )?pico_llama::((?:m33|dsp)::.*)>:$", line):
                start = int(m[1], 16)
                named[m[2].partition("(")[0]] = start
                calls[start] = set()
            elif line.endswith(">:"):
                start = None
            elif start and (m := re.match(r" *([0-9a-f]+):\s+ee[26][0-9a-f] [0-9a-f]{4} \s*vmul\.f32", line)):
                found.setdefault(start, []).append(int(m[1], 16))
            elif start and (m := re.search(r"\tb\S*\s+([0-9a-f]{8}) <", line)):
                calls[start].add(int(m[1], 16))
        kernels = {}
        for name in re.findall(r"^PICO_LLAMA_KERNEL\((\w+), \w+, own,", (ROOT / "engine/kernels/list.inc").read_text(), re.MULTILINE):
            reached, new = set(), {named[f"m33::{name}"]}
            while new:
                reached |= new
                new = {target for function in new for target in calls[function] if target in calls} - reached
            kernels[name] = [found[function] for function in sorted(reached) if function in found]
        return kernels

    def test_broken_kernels(self):
        """One function of each kernel of the real image adds where it should multiply: /selftest names these kernels and no
        other. Their code for stories260K's shapes and for two tokens is in functions of its own."""
        def add(old):
            assert old[1] == 0xEE and old[0] & 0xB0 == 0x20
            return bytes([old[0] ^ 0x10]) + old[1:]  # VMUL.F32 is ee2... or ee6..., VADD.F32 ee3... or ee7...

        kernels = self.multiplications_of_kernels()
        assert [name for name, found in kernels.items() if not found] == ["argmax"], kernels  # it compares only
        script = ["expect > ", "send /selftest", "expect selftest: ", "expect > "]
        for nth in range(max(map(len, kernels.values()))):
            broken = {name: found[nth] for name, found in kernels.items() if nth < len(found)}
            firmware = self.with_code(add, *{address for function in broken.values() for address in function})
            text = self.play(script, options=["--fault", "psram-absent"], firmware=firmware)
            failed = re.findall(r"^FAILED +kernel (\w+) +(.*)$", text, re.MULTILINE)
            assert [name for name, _ in failed] == list(broken), (broken, text)
            for name, why in failed:
                assert "differs from the portable one" in why, (name, why)
                print(name, why)

    def test_stack_overflow(self):
        """A command that pushes without end: the board restarts by itself and says why, instead of locking up."""
        help_command, = (int(line.split()[0], 16) for line in self.listing() if re.search(r"<pico_llama::app::Commands::help\(.*>:$", line))
        image = self.with_code(lambda _: b"\xf0\xb5\xfd\xe7", help_command)  # push {r4-r7, lr}; b to it
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
            return self.with_code(lambda old: instruction + old[2:], address)
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
