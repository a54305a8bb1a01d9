"""Chips that are absent or faulty, other boards and another clock."""
import re

import virtual_board
from board_test_case import SHORT, BoardTest, expect
from labels import sanitized
from virtual_board import STORIES3M


class Hardware(BoardTest):
    def fault(self, name, *wanted, options=()):
        text = self.play(SHORT + ["send /mem", "expect stack of core 1"], self.pack("q8"), ["--fault", name, *options])
        expect(text, *wanted, self.token_count(24))

    @sanitized
    def test_psram_absent(self):
        self.fault("psram-absent", "PSRAM   no answer to Read ID; not used")

    def test_psram_wrong_id(self):
        self.fault("psram-wrong-id", "PSRAM   wrong ID")

    def test_psram_stuck_bit(self):
        self.fault("psram-stuck-bit", "PSRAM   failed its test")

    def test_flash_4mb(self):
        self.fault("flash-4mb", "flash   4 MB")

    def test_flash_no_qe(self):
        self.fault("flash-no-qe", "QE bit clear: dual read")

    def test_flash_no_continuous(self):
        """A flash that passes over the mode byte: found out at the boot ROM's timing, and each read keeps its command."""
        self.fault("flash-no-continuous", "quad read, a command each (no continuous read), at 75 MHz (divider 3 to 2)")

    def test_flash_foreign(self):
        """A flash of another maker, whose status commands mean something else: it is asked for its id and nothing more."""
        self.fault("flash-foreign", "16 MB, quad continuous read at 75 MHz (divider 3 to 2), JEDEC 9d6018")

    def test_clock_133(self):
        """Flash and clk_sys at 133 MHz, every rating kept; a flash that answers too late for that is found out and read slower."""
        image, model = virtual_board.firmware_of("firmware-133mhz"), self.pack("q8")
        text = self.play(SHORT + ["send /bench", "expect read flash", "expect story, 2 cores"], model, firmware=image)
        expect(text, "clocks  133 MHz, core at 1.10 V", "quad continuous read at 133 MHz (divider 3 to 1)",
               "PSRAM   8 MB, QPI at 66.5 MHz, tested", self.token_count(24))
        reads = float(re.search(r"read flash: one core (\S+) MB/s", text)[1])
        assert reads > 45, f"{reads} MB/s from flash"  # 150 MHz, divider 2: 35 at most
        print(f"flash: {reads} MB/s simulated, one core")
        text = self.play(SHORT, model, ["--fault", "flash-late"], firmware=image)
        expect(text, "quad continuous read at 66.5 MHz (divider 3 to 2; 1 misread)", self.token_count(24))
        text = self.play(SHORT, model, ["--fault", "flash-late"])
        expect(text, "quad continuous read at 75 MHz (divider 3 to 2)", self.token_count(24))  # 150 MHz leaves it time

    def test_clock_266(self):
        """Flash at 133 MHz as at a clk_sys of 133, PSRAM at 66.5 MHz: every rating of theirs kept, the cores overclocked."""
        image, model = virtual_board.firmware_of("firmware-266mhz"), self.pack("q8")
        text = self.play(SHORT + ["send /bench", "expect read flash", "expect story, 2 cores"], model, firmware=image)
        expect(text, "clocks  266 MHz, core at 1.15 V", "quad continuous read at 133 MHz (divider 5 to 2)",
               "PSRAM   8 MB, QPI at 66.5 MHz, tested", self.token_count(24))
        reads = float(re.search(r"read flash: one core (\S+) MB/s", text)[1])
        assert reads > 55, f"{reads} MB/s from flash"  # 150 MHz, divider 2: 35 at most
        print(f"flash: {reads} MB/s simulated, one core")
        # The program is read through the change of clock even where the flash answers late, and then slower.
        text = self.play(SHORT, model, ["--fault", "flash-late"], firmware=image)
        expect(text, "quad continuous read at 88.7 MHz (divider 5 to 3; 2 misread)", self.token_count(24))

    def test_pico2(self):
        text = self.play(SHORT, self.pack("q8"), ["--board", "pico2"], firmware=virtual_board.firmware_of("firmware-pico2"))
        expect(text, "on pico2", "PSRAM   none on this board", self.token_count(24))
        # Its button is the flash's select, looked at for each token: not while the stream reads ahead of the next.
        streamed = self.pack("q8", *STORIES3M)
        text = self.play(SHORT, streamed, ["--board", "pico2"], firmware=virtual_board.firmware_of("firmware-pico2"))
        expect(text, self.token_count(24))

    def test_sister_boards(self):
        """The Plus 2 without radio and the PGA2350: flash, PSRAM and pins are the Plus 2 W's, the LED is on a GPIO."""
        for preset, name in (("firmware-plus2", "pimoroni_pico_plus2_rp2350"), ("firmware-pga2350", "pimoroni_pga2350")):
            text = self.play(SHORT, self.pack("q8"), firmware=virtual_board.firmware_of(preset))
            expect(text, f"on {name}", "PSRAM   8 MB, QPI at 75 MHz, tested", "LED     breathes", self.token_count(24))
