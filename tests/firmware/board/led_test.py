"""The LED of the Plus 2 W, which is WL_GPIO0 of the radio: what ChipCommon's pin does on the virtual board."""
import json
import os
import pty
import re
import subprocess

import virtual_board
from board_test_case import SHORT, BoardTest, expect, led_changes, rows_of_blinks

OPEN = "LED     on the radio (not yet seen lit on a real board); /led blinks it"


class Led(BoardTest):
    def watch(self, script, options=(), seconds=60, model="q8", firmware=None):
        """What the board printed, the changes of the pin (seconds, 0 or 1), and the numbers in --stats."""
        log, stats = self.scratch / "led", self.scratch / "stats"
        text = self.play(script, self.pack(model) if model else None, ["--led", log, "--stats", stats, *options], seconds,
                         firmware)
        changes = led_changes(log)
        numbers = json.loads(stats.read_text())["led"]
        assert numbers["changes"] == len(changes), (numbers, len(changes))
        return text, changes, numbers

    def test_on_at_boot_breathes_while_telling_on_when_told(self):
        text, changes, led = self.watch(["expect > ", "wait 1"])
        expect(text, OPEN)
        assert [lit for _, lit in changes] == [1], changes
        assert changes[0][0] < 0.25 and led["lit"], (changes, led)
        text, changes, led = self.watch(["expect > ", "send /temp 0", "expect > ", "send /steps 256", "expect > ", "send Once",
                                         "expect tok/s", "wait 1"])
        assert led["lit"] and len(changes) > 20, (led, changes)
        told_from, told_to = changes[1][0], changes[-1][0]
        assert 0.2 < told_to - told_from < 2, (told_from, told_to)
        between = [b - a for (a, _), (b, _) in zip(changes[1:-1], changes[2:-1])]
        assert min(between) > 0.0039, min(between)  # StatusLed::kShortestUs bounds the cost
        lit = sum(b - a for (a, on), (b, _) in zip(changes[1:-1], changes[2:]) if on)
        assert 0.05 < lit / (told_to - told_from) < 0.95, lit

    def test_ctrl_c(self):
        text, changes, led = self.watch(["expect > ", "send /temp 0", "expect > ", "send Once", "expect time", "ctrl-c",
                                         "expect stopped", "wait 1"])
        assert led["lit"], led
        assert any(not lit for _, lit in changes), changes

    def test_faults_blink_their_number(self):
        for script, options, model, blinks in (
                (["expect > ", "wait 9"], [], None, 2),
                (["expect > ", "wait 9"], ["--fault", "psram-absent"], "q8", 3)):
            _, changes, _ = self.watch(script, options, model=model)
            rows = rows_of_blinks(changes)
            assert rows and set(rows) == {blinks}, (blinks, rows, changes)

    def test_command(self):
        text, changes, led = self.watch(["expect > ", "send /led", "expect blinks it", "expect > ", "wait 1"])
        expect(text, "the LED blinks 5 times now")
        assert sum(not lit for _, lit in changes) == 5 and led["lit"], changes  # it is on before and after

    def test_no_radio_is_one_line(self):
        for fault, words in (("radio-absent", "LED     dark: it is on the radio, which does not answer"),
                             ("radio-no-clock", "LED     dark: it is on the radio, which answers but whose clock does not start")):
            text, changes, led = self.watch([*SHORT, "send /led", "expect dark:"], ["--fault", fault])
            expect(text, words, self.token_count(24))
            assert not changes and not led["lit"], (fault, changes)

    def test_radio_hangs_within_a_transfer(self):
        """During bring-up, in a story, and before /led: the board goes on, the story is the same, and /led reports it."""
        text, changes, _ = self.watch(SHORT, ["--fault", "radio-hangs"])
        expect(text, "LED     dark: it is on the radio, which does not answer", self.token_count(24))
        assert not changes, changes
        healthy = self.play(SHORT, self.pack("q8"))
        story = healthy[healthy.index("> Once"):healthy.index("[", healthy.index("> Once"))]
        for at in ("0.2", "0.6"):
            text, changes, _ = self.watch([*SHORT, "send /led", "expect does not answer"], ["--fault", f"radio-hangs@{at}"])
            expect(text, OPEN, story, self.token_count(24))

    def test_restart_turns_it_off_and_on(self):
        _, changes, led = self.watch(["expect > ", "send /reboot", "expect restarting", "expect > ", "wait 0.5"])
        assert [lit for _, lit in changes] == [1, 0, 1], changes
        assert changes[2][0] - changes[1][0] > 0.07, "the radio's power was off for 20 ms, and it needs 50 to start"

    def test_costs_at_most_three_thousandths_of_a_token(self):
        """Every cycle of the driver and of StatusLed in the whole run, boot included, against those of the story alone."""
        profile = self.scratch / "profile"
        text = self.play(["expect > ", "send /json on", "expect on", *virtual_board.story_script("Once", 256)], self.pack("q8"),
                         ["--profile", profile])
        (tokens, told), = virtual_board.stories(text)
        story = told["tokens"] / told["tokens_per_second"] * 150_000_000  # one core
        # The addresses are of SRAM and flash; what led_radio.cpp does at boot is cold and takes no part in a token.
        cycles, inside, callee = 0, False, False
        for line in profile.read_text().splitlines():
            if line.startswith("fn="):
                inside = re.search(r"9StatusLed|7set_led|4sendEmm|9PicoBoard3led", line) is not None
            elif line.startswith("calls="):
                callee = True  # the next line is the cost of what is called
            elif line.startswith("0x"):
                cycles += int(line.split()[2]) if inside and not callee else 0
                callee = False
        self.assertGreater(cycles, 10_000)
        self.assertLess(cycles / story, 0.003)

    def test_drawn_on_a_terminal(self):
        """`--led -`: shades at the end of the first row, around which the cursor is saved and restored."""
        ours, theirs = pty.openpty()
        with subprocess.Popen([virtual_board.built(virtual_board.COMMAND), "simulate", virtual_board.FIRMWARE, "--led", "-", "--no-pace",
                               "--max-seconds", "3"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs) as run:
            os.close(theirs)
            drawn = virtual_board.read_until(ours, b"no such text", 120)
        os.close(ours)
        self.assertEqual(run.returncode, 0)
        for shade in "·█":
            self.assertIn(f"\0337\033[1;999H{shade}\0338".encode(), drawn)

    def test_other_boards(self):
        """The Pico 2's LED is GPIO25."""
        _, changes, led = self.watch(["expect > ", "wait 1"], ["--board", "pico2"], firmware=virtual_board.firmware_of("firmware-pico2"))
        assert led["lit"] and [lit for _, lit in changes] == [1], changes
