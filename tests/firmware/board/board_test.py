#!/usr/bin/env python3
"""The real firmware image on the virtual board, through its USB serial port.

board_test.py CASE --command PICO_LLAMA --firmware ELF --kernel-digests PROGRAM
Images of other presets (pico2, ...) are looked for beside ELF's folder.
Exit 0: passed, 1: failed (with what was seen), 77: skipped (no firmware or no model here, and says which).
"""
import argparse
import csv
import json
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def look_for(folder_name, name):
    places = [os.environ.get("PICO_LLAMA_MODELS"), ROOT / "models", ROOT / "tests" / folder_name,
              ROOT.parent / "shared" / folder_name]
    found = (pathlib.Path(place) / name for place in places if place and (pathlib.Path(place) / name).exists())
    return next(found, None)


def find(folder_name, name):
    return look_for(folder_name, name) or skip(f"no {name} here")


# What the tests that need just any model run: stories260K where it is, else the model that ships.
STORIES260K, PICO_TALES = ("stories260K.bin", "tok512.bin"), ("pico-tales.bin", "pico-tales.tok.bin")
STORY_MODEL = STORIES260K if all(look_for("models", name) for name in STORIES260K) else PICO_TALES


def told_of(steps):
    """What the board says of a story of so many positions that begins with "Once": its tokens, the prompt's not counted."""
    prompt_tokens = {STORIES260K: 2, PICO_TALES: 3}[STORY_MODEL]
    return f"{steps + 1 - prompt_tokens} tokens"


class Board:
    def __init__(self, arguments, scratch):
        self.command, self.firmware = arguments.command, arguments.firmware
        self.kernel_digests, self.make_model = arguments.kernel_digests, arguments.make_model
        self.scratch = pathlib.Path(scratch)
        for file in (self.command, self.firmware):
            if not pathlib.Path(file).exists():
                skip(f"{file} is not built")

    def of_preset(self, preset):
        """The image of another firmware preset, beside this one's."""
        elf = pathlib.Path(self.firmware).parents[1] / preset / "firmware.elf"
        return elf if elf.exists() else skip(f"the preset {preset} is not built")

    def pack(self, profile, checkpoint=STORY_MODEL[0], tokenizer=STORY_MODEL[1]):
        image = self.scratch / f"{pathlib.Path(checkpoint).stem}-{profile}.plm"
        subprocess.run([self.command, "pack", find("models", checkpoint), "-z", find("models", tokenizer), "--profile",
                        profile, "-o", image], check=True, capture_output=True)
        return self.cartridge(image)

    def cartridge(self, image):
        uf2 = image.with_suffix(".uf2")
        subprocess.run([self.command, "uf2", image, "-o", uf2], check=True, capture_output=True)
        return uf2

    def play(self, script, model=None, options=(), seconds=60, firmware=None):
        """Plays a script; returns what the board printed. The script must reach its end."""
        path = self.scratch / "script"
        path.write_text("\n".join(script) + "\n")
        images = [firmware or self.firmware] + ([model] if model else [])
        run = subprocess.run([self.command, "simulate", *images, "--script", path, "--max-seconds", str(seconds), *options],
                             capture_output=True, timeout=3500)
        text = run.stdout.decode(errors="replace").replace("\r\n", "\n")
        assert run.returncode == 0, f"exit {run.returncode}\n{text[-3000:]}\n{run.stderr.decode(errors='replace')[-3000:]}"
        return text


def expect(text, *wanted):
    for want in wanted:
        assert want in text, f"no {want!r} in:\n{text[-4000:]}"


STORY_END = ['expect "seed":', "expect }"]


def stories(text):
    """Tokens of each story told in JSON, and the objects that ended them."""
    tokens, told = [], []
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        item = json.loads(line)
        if "token" in item and item["token"] >= 0:
            tokens.append(item["token"])
        elif "stop" in item:
            told.append((tokens, item))
            tokens = []
    return told


def tell(prompt, temperature, topp, seed, steps):
    return [f"send /temp {temperature:g}", f"send /topp {topp:g}", f"send /seed {seed}", f"send /steps {steps}",
            f"send {prompt}", *STORY_END]


def golden(board, profile, model, name, most_steps=1000):
    """Every line of a golden file that asks for so many steps, token for token."""
    script = ["expect > ", "send /json on", "expect json on"]
    wanted = [json.loads(line) for line in find("golden", name).read_text().splitlines()]
    wanted = [line for line in wanted if line["steps"] <= most_steps]
    assert wanted
    for line in wanted:
        script += tell(line["prompt"], line["temperature"], line["topp"], line["seed"], line["steps"])
    told = stories(board.play(script, board.pack(profile, *model), seconds=200))
    assert len(told) == len(wanted)
    for (tokens, end), line in zip(told, wanted):
        assert tokens == line["tokens"], f"prompt {line['prompt']!r}:\n{tokens}\n{line['tokens']}"
        print(f"{len(tokens)} golden tokens, {end['tokens_per_second']} tok/s simulated, {end['cores']} cores")


def f32_greedy(board):
    golden(board, "f32", STORIES260K, "stories260K.greedy.jsonl")


def f32_sampled(board):
    golden(board, "f32", STORIES260K, "stories260K.sampled.jsonl")


def shipped_f32(board):
    golden(board, "f32", PICO_TALES, "pico-tales.greedy.jsonl", most_steps=128)


def shipped_q8(board):
    same_as_host(board, *PICO_TALES, "q8", ["", "Lily wanted a red"], 256)


def host_tokens(board, model, tokenizer, profile, prompt, steps):
    run = subprocess.run([board.command, "run", find("models", model), "-z", find("models", tokenizer), "--profile", profile,
                          "-t", "0", "-n", str(steps), "-i", prompt, "--json"], capture_output=True, check=True)
    return json.loads(run.stdout)["tokens"]


def same_as_host(board, model, tokenizer, profile, prompts, steps, cores=(1, 2)):
    script = ["expect > ", "send /json on", "expect json on", "send /temp 0", f"send /steps {steps}"]
    for core in cores:
        script.append(f"send /cores {core}")
        for prompt in prompts:
            script += [f"send {prompt}", *STORY_END]
    told = stories(board.play(script, board.pack(profile, model, tokenizer), seconds=200))
    wanted = [host_tokens(board, model, tokenizer, profile, prompt, steps) for _ in cores for prompt in prompts]
    assert [tokens for tokens, _ in told] == wanted
    for tokens, end in told:
        print(f"{len(tokens)} tokens as on the host, {end['tokens_per_second']} tok/s simulated, {end['cores']} cores")
    return told


def q8_is_the_hosts(board):
    same_as_host(board, *STORY_MODEL, "q8", ["", "Once upon a time", "Zoë said: «naïve» 🐸"], 96)


def f32_is_the_hosts(board):
    same_as_host(board, *STORY_MODEL, "f32", ["Once upon a time"], 48)


def q8_whole_context(board):
    """A story that the model does not end before its 512 positions are full (376 of them are the prompt's)."""
    prompt = ("One day, Tim and Sue went to the park to play with a big red ball. " * 15).strip()
    (tokens, end), = same_as_host(board, *STORIES260K, "q8", [prompt], 512, cores=(2,))
    assert len(tokens) == 512 and end["stop"] == "steps", (len(tokens), end)


def streams(board, image, profile, vocabulary_and_rope_bytes, mhz=150, divider=2, firmware=None, prompt="Once upon a time",
            steps=12):
    """Tells a story with weights from flash: the host's tokens, at 85 % at least of what the bus could bring."""
    text = board.play(["expect > ", "send /mem", "expect stack of core 1", "send /json on", "expect json on", "send /temp 0",
                       f"send /steps {steps}", f"send {prompt}", *STORY_END], board.cartridge(image), firmware=firmware)
    (tokens, end), = stories(text)
    run = subprocess.run([board.command, "run", image, "-t", "0", "-n", str(steps), "-i", prompt, "--json"], capture_output=True,
                         check=True)
    assert tokens == json.loads(run.stdout)["tokens"], tokens
    # What a token reads of the weights in flash, over chained reads of cache lines: 8 bytes in 16 divider + 2 cycles.
    in_flash = int(re.search(r"^weights +([\d,]+) B  flash", text, re.MULTILINE)[1].replace(",", ""))
    limit = 8e6 * mhz / (16 * divider + 2) / (in_flash - vocabulary_and_rope_bytes)
    share = end["tokens_per_second"] / limit
    print(f"{profile}: {len(tokens)} tokens as on the host, {end['tokens_per_second']} tok/s simulated at {mhz} MHz, "
          f"{100 * share:.1f} % of the bus's {limit:.3f}")
    assert share >= 0.85, share
    return end


def q8_3m(board):
    board.pack("q8", "stories3M_q80.bin", "tok4096.bin")
    streams(board, board.scratch / "stories3M_q80-q8.plm", "3M q8", 512 * 32 * 4, steps=24)


def q4_3m(board):
    """A trained model in q4: its embedding is a tensor of its own in 8 bits, of which a token reads one row."""
    image = board.scratch / "3m-q4.plm"
    subprocess.run([board.command, "pack", find("models", "stories3M_q80.bin"), "-z", find("models", "tok4096.bin"),
                    "--profile", "q4", "--q8", "none", "--calibration", "512", "-o", image], check=True, capture_output=True)
    streams(board, image, "3M q4", 512 * 32 * 4 + 4096 // 8 * (32 + 8 * 192), steps=24)


def synthetic_15m(board, profile):
    """The shape of stories15M with weights made from a seed."""
    checkpoint, tokenizer, image = (board.scratch / name for name in ("15m.bin", "15m.tok", f"15m-{profile}.plm"))
    subprocess.run([board.make_model, checkpoint, tokenizer, "15m", "1"], check=True)
    # Rounding fitted to noise would be noise too, and a minute longer.
    subprocess.run([board.command, "pack", checkpoint, "-z", tokenizer, "--profile", profile, "--calibration", "0",
                    "-o", image], check=True, capture_output=True)
    return image


ROPE_15M = 256 * 48 * 4


def q8_15m(board):
    streams(board, synthetic_15m(board, "q8"), "15M q8", ROPE_15M, prompt="a", steps=5)


def q4_15m(board):
    streams(board, synthetic_15m(board, "q4"), "15M q4", ROPE_15M, prompt="a", steps=5)


def q4_15m_133(board):
    end = streams(board, synthetic_15m(board, "q4"), "15M q4", ROPE_15M, mhz=133, divider=1, prompt="a", steps=5,
                  firmware=board.of_preset("firmware-133mhz"))
    assert end["tokens_per_second"] >= 6.2, end


def q4_15m_prefill(board):
    prompt = " ".join(["once a cat"] * 16)
    end = streams_prompt(board, synthetic_15m(board, "q4"), prompt)
    print(f"{end['prompt_tokens']} tokens of a prompt at {end['prefill_tokens_per_second']} tok/s simulated, generated at "
          f"{end['tokens_per_second']}")
    assert end["prompt_tokens"] >= 48 and end["prefill_tokens_per_second"] >= 5 * end["tokens_per_second"], end


def streams_prompt(board, image, prompt):
    (_, end), = stories(board.play(["expect > ", "send /json on", "expect json on", "send /temp 0", "send /steps 72",
                                    f"send {prompt}", *STORY_END], board.cartridge(image)))
    return end


def stream_stops(board):
    """Ctrl-C, a pulled cable, another count of cores and every command that reads the bus, in the middle of streaming: no
    hang, and the next story is the same as ever."""
    script = ["expect > ", "send /json on", "expect json on", "send /temp 0", "expect temperature", "send /steps 24",
              "expect steps 24", "send Once", *STORY_END]
    again = ["send Once", *STORY_END]
    for moment in (5, 12, 19):
        script += ["send Once", *["expect {\"token\":"] * moment, "ctrl-c", *STORY_END, *again]
    for command, answer in (("/cores 1", "expect core"), ("/mem", "expect stack of core 1"), ("/cores 2", "expect core"),
                            ("/model 1", "expect loaded")):
        script += ["send Once", *["expect {\"token\":"] * 9, "ctrl-c", *STORY_END, f"send {command}", answer, *again]
    script += ["send Once", *["expect {\"token\":"] * 9, "ctrl-c", *STORY_END, "send /bootsel", "expect-bootsel"]
    text = board.play(script, board.pack("f32"), seconds=120)
    (whole, _), *rest = stories(text)
    cut = [tokens for tokens, end in rest if end["stop"] == "cancelled"]
    ended = [tokens for tokens, end in rest if end["stop"] != "cancelled"]
    assert len(whole) == 24 and len(cut) == 3 + 4 + 1 and len(ended) == 3 + 4, (len(whole), len(cut), len(ended))
    assert all(tokens == whole for tokens in ended)
    assert all(tokens == whole[:len(tokens)] for tokens in cut)
    board.play(["expect > ", "send /temp 0", "expect > ", "send Once", "expect upon", "unplug", "wait 1", "plug", "expect > ",
                "send /steps 16", "expect > ", "send Once", f"expect [{told_of(16)}", "expect > "], board.pack("f32"))


def no_model(board):
    text = board.play(["expect > ", "send /mem", "expect > ", "send Once", "expect > "])
    expect(text, "model   none", "pico-llama pack", "stack of core 0")


def damaged(board, change, *wanted):
    board.pack("q8")
    image = board.scratch / f"{pathlib.Path(STORY_MODEL[0]).stem}-q8.plm"
    data = bytearray(image.read_bytes())
    change(data)
    # Not through `uf2`, which could refuse it: the pages as a drag would leave them in flash.
    raw = board.scratch / "damaged.uf2"
    blocks = [data[i:i + 256].ljust(256, b"\xff") for i in range(0, len(data), 256)]
    out = bytearray()
    for number, page in enumerate(blocks):
        head = b"".join(value.to_bytes(4, "little") for value in (
            0x0A324655, 0x9E5D5157, 0x2000, 0x10080000 + 256 * number, 256, number, len(blocks), 0xE48BFF58))
        out += head + bytes(page) + bytes(476 - 256) + (0x0AB16F30).to_bytes(4, "little")
    raw.write_bytes(out)
    text = board.play(["expect > ", "send Once", "expect > ", "send /temp 0.5", "expect temperature 0.5"], raw)
    expect(text, *wanted)


def flipped_bit(board):
    def change(data):
        data[len(data) // 2] ^= 4
    damaged(board, change, "cannot be used", "changed since it was packed")


def two_models(board):
    """Two images in one UF2, one behind the other: each tells its own story, and a change back is exact."""
    for profile in ("q8", "f32"):
        board.pack(profile)
    uf2 = board.scratch / "two.uf2"
    subprocess.run([board.command, "uf2", *(board.scratch / f"{pathlib.Path(STORY_MODEL[0]).stem}-{profile}.plm" for profile in ("q8", "f32")), "-o", uf2],
                   check=True, capture_output=True)
    once = ["send Once upon a time", *STORY_END]
    text = board.play(["expect number 1 of 2 in flash", "expect > ", "send /json on", "expect json on", "send /temp 0",
                       "send /steps 48", *once, "send /profile f32", "expect number 2 of 2", *once, "send /model 1",
                       "expect number 1 of 2", *once, "send /model 3", "expect from 1 to 2", "send /model",
                       "expect flash   2: f32, 5 layers of 64", 'expect B"}'], uf2)
    told = [tokens for tokens, _ in stories(text)]
    q8, f32 = (host_tokens(board, *STORY_MODEL, profile, "Once upon a time", 48) for profile in ("q8", "f32"))
    assert told == [q8, f32, q8], (told, q8, f32)


def truncated(board):
    def change(data):
        del data[len(data) // 2:]
    damaged(board, change, "cannot be used")


def newer_version(board):
    def change(data):
        data[4:8] = (9).to_bytes(4, "little")
    damaged(board, change, "cannot be used", "9")


SHORT = ["expect > ", "send /temp 0", "expect > ", "send /steps 24", "expect > ", "send Once", "expect tok/s", "expect > "]


def fault(board, name, *wanted, options=()):
    text = board.play(SHORT + ["send /mem", "expect stack of core 1"], board.pack("q8"), ["--fault", name, *options])
    expect(text, *wanted, told_of(24))


def psram_absent(board):
    fault(board, "psram-absent", "PSRAM   no answer to Read ID: going on without it")


def psram_wrong_id(board):
    fault(board, "psram-wrong-id", "PSRAM   wrong ID")


def psram_stuck_bit(board):
    fault(board, "psram-stuck-bit", "PSRAM   failed its test")


def flash_4mb(board):
    fault(board, "flash-4mb", "flash   4 MB")


def flash_no_qe(board):
    fault(board, "flash-no-qe", "QE bit clear: dual read")


def flash_no_continuous(board):
    """A flash that passes over the mode byte: found out at the boot ROM's timing, and each read keeps its command."""
    fault(board, "flash-no-continuous", "quad read, a command each (no continuous read), at 75 MHz (divider 3 to 2)")


def flash_foreign(board):
    """A flash of another maker, whose status commands mean something else: it is asked for its id and nothing more."""
    fault(board, "flash-foreign", "16 MB, quad continuous read at 75 MHz (divider 3 to 2), JEDEC 9d6018")


def clock_133(board):
    """Flash and clk_sys at 133 MHz, every rating kept; a flash that answers too late for that is found out and read slower."""
    image, model = board.of_preset("firmware-133mhz"), board.pack("q8")
    text = board.play(SHORT + ["send /bench", "expect read flash", "expect story, 2 cores"], model, firmware=image)
    expect(text, "clocks  133 MHz, core at 1.10 V", "quad continuous read at 133 MHz (divider 3 to 1)",
           "PSRAM   8 MB, QPI at 66.5 MHz, tested", told_of(24))
    reads = float(re.search(r"read flash: one core (\S+) MB/s", text)[1])
    assert reads > 45, f"{reads} MB/s from flash"  # 150 MHz, divider 2: 35 at most
    print(f"flash: {reads} MB/s simulated, one core")
    text = board.play(SHORT, model, ["--fault", "flash-late"], firmware=image)
    expect(text, "quad continuous read at 66.5 MHz (divider 3 to 2; 1 misread)", told_of(24))
    text = board.play(SHORT, model, ["--fault", "flash-late"])
    expect(text, "quad continuous read at 75 MHz (divider 3 to 2)", told_of(24))  # 150 MHz leaves it time


def seed_of_long_story(board, profile, prompt, least):
    """A seed with which the model of the day tells at least so many tokens."""
    model, tokenizer = (find("models", name) for name in STORY_MODEL)
    for seed in range(1, 100):
        run = subprocess.run([board.command, "run", model, "-z", tokenizer, "--profile", profile, "-i", prompt, "-t", "1", "-p", "0.9",
                              "-s", str(seed), "-n", "300", "--json"], capture_output=True, check=True)
        if len(json.loads(run.stdout)["tokens"]) >= least:
            return seed
    raise AssertionError(f"no story of {least} tokens in 99")


def control_c(board):
    """Ctrl-C at every tenth token of one story: it stops there, what was told is the story's beginning, the next one works."""
    moments = range(10, 251, 10)
    seed = f"send /seed {seed_of_long_story(board, 'q8', 'Once', moments[-1] + 4)}"
    script = ["expect > ", "send /json on", "expect json on", "send /temp 1", "expect temperature", "send /topp 0.9",
              "send /steps 300", "expect steps 300", seed, "send Once", *STORY_END]
    for moment in moments:
        script += [seed, "send Once", *["expect {\"token\":"] * moment, "ctrl-c", *STORY_END]
    script += ["send /steps 16", "expect steps 16", seed, "send Once", *STORY_END]
    (whole, end), *stopped, (after, _) = stories(board.play(script, board.pack("q8"), seconds=120))
    assert len(whole) > moments[-1] + 3, (len(whole), end)
    assert len(stopped) == len(moments)
    for moment, (tokens, end) in zip(moments, stopped):
        assert end["stop"] == "cancelled", (moment, end)
        # The key needs a millisecond or two to the board, and the token in progress is finished.
        assert moment <= len(tokens) <= moment + 3, (moment, len(tokens))
        assert tokens == whole[:len(tokens)], (moment, tokens)
    assert after == whole[:16]
    print(f"{len(stopped)} stops, {max(len(tokens) - moment for moment, (tokens, _) in zip(moments, stopped))} tokens late at most")


def stall(board):
    """A host that does not read for a while loses nothing."""
    common = ["expect > ", "send /json on", "expect json on", "send /temp 0", "send /steps 128"]
    plain = stories(board.play(common + ["send Once", *STORY_END], board.pack("q8")))
    slow = stories(board.play(common + ["send Once", "wait 0.1", "stall 5", *STORY_END], board.pack("q8")))
    assert [tokens for tokens, _ in plain] == [tokens for tokens, _ in slow]


def unplug(board):
    board.play(["expect > ", "send /temp 0", "expect > ", "send Once", "wait 0.1", "unplug", "wait 1", "plug", "expect > ",
                "send /steps 16", "expect > ", "send Once", f"expect [{told_of(16)}", "expect > "], board.pack("q8"))


def paste(board):
    big = board.scratch / "paste"
    big.write_bytes(b"x" * 100_000 + b"\r")
    text = board.play(["expect > ", f"file {big}", "expect longer than 1023 bytes", "expect > ", "send /steps 16",
                       "expect > ", "send Once", f"expect [{told_of(16)}"], board.pack("q8"))
    expect(text, "that line is longer")


def button(board):
    """It tells a story; pressed anew it stops one, but not while it is still held from the first time."""
    text = board.play(["expect > ", "send /json on", "expect json on", "send /temp 0", "expect temperature", "press", 'expect {"token"',
                       "release", "wait 0.02", "press", 'expect "stop":', "release", "wait 0.1", "press", 'expect {"token"', "wait 0.05",
                       "release", *STORY_END], board.pack("q8"))
    (stopped, first), (told, second) = stories(text)
    assert first["stop"] == "cancelled" and second["stop"] != "cancelled" and len(told) > len(stopped), (first, second)


def warm_reboot(board):
    """The PSRAM is still in QPI after the RUN pin, and after a watchdog restart."""
    text = board.play(["expect > ", "send /reboot", "expect restarting", "expect Ctrl-C stops a story", "reset",
                       "expect Ctrl-C stops a story", *SHORT[1:]], board.pack("q8"))
    assert text.count("PSRAM   8 MB, QPI at 75 MHz, tested") == 3, text


def reset_interfaces(board):
    board.play(["expect > ", "send /bootsel", "expect-bootsel"])
    board.play(["expect > ", "baud 1200", "expect-bootsel"])
    board.play(["expect > ", "request-bootsel", "expect-bootsel"])


def nonsense(board):
    names = "help model temp topp topk seed steps profile cores mem bench selftest json bootsel reboot nothing".split()
    script = ["expect > "]
    for name in names:
        script += [f"send /{name} -1e99", "expect ! ", "expect > "]
    board.play(script, board.pack("q8"))


def selftest(board):
    text = board.play(["expect > ", "send /selftest", "expect selftest: ", "expect > "], board.pack("q8"), seconds=120)
    expect(text, "every bit of 8,388,608 B", "2 cores", "as on a PC", "read PSRAM: one core ", "selftest: 0 failed")
    # Every kernel's results, also of those with nothing on the board to compare them with, are this computer's.
    on_board = dict(re.findall(r"^ok +kernel (\w+) .*CRC32 ([0-9a-f]{8})$", text, re.MULTILINE))
    here = dict(line.split() for line in subprocess.run([board.kernel_digests], capture_output=True, check=True, text=True)
                .stdout.splitlines())
    assert here and on_board == here, (on_board, here)


def patched(board, functions):
    """The firmware with the last multiplication of one of these functions made an addition, as one flipped bit would."""
    inside, address = False, None
    for line in listing(board):
        if line.endswith(">:"):
            inside = any(re.search(name, line) for name in functions)
        elif inside and (m := re.match(r" *([0-9a-f]+):\s+ee2([0-9a-f]) ([0-9a-f]{4}) \s*vmul\.f32", line)):
            address = int(m[1], 16)
    if address is None:
        raise AssertionError(f"no vmul.f32 in {functions}")

    def add(old):
        assert old[1] == 0xEE and old[0] & 0xF0 == 0x20
        return bytes([old[0] ^ 0x10]) + old[1:]  # VMUL.F32 is ee2..., VADD.F32 ee3...

    return with_code(board, address, add)


def listing(board):
    return subprocess.run(["arm-none-eabi-objdump", "-d", "-C", board.firmware], capture_output=True, check=True,
                          text=True).stdout.splitlines()


def with_code(board, address, change):
    """The firmware with the four bytes at an address changed."""
    image = bytearray(pathlib.Path(board.firmware).read_bytes())
    program_headers, = struct.unpack_from("<I", image, 28)
    size, count = struct.unpack_from("<HH", image, 42)
    for i in range(count):
        _, offset, virtual, _, in_file = struct.unpack_from("<5I", image, program_headers + i * size)
        if virtual <= address < virtual + in_file:
            at = offset + address - virtual
            image[at:at + 4] = change(bytes(image[at:at + 4]))
            path = board.scratch / "patched.elf"
            path.write_bytes(image)
            return path
    raise AssertionError(f"{address:#x} is in no segment")


def broken_kernels(board):
    """One wrong instruction in a kernel of the real image: /selftest names that kernel and no other."""
    script = ["expect > ", "send /selftest", "expect selftest: ", "expect > "]
    for kernel in ("matmul_q8", "quantize_q8", "attention_q8", "swiglu_q8", "rmsnorm_q8"):
        inner = {"matmul_q8": [r"<pico_llama::dsp::q8_"], "attention_q8": [r"<pico_llama::m33::attention_heads8\("]}
        functions = [rf"<pico_llama::m33::{kernel}\("] + inner.get(kernel, [])
        text = board.play(script, options=["--fault", "psram-absent"], firmware=patched(board, functions))
        failed = re.findall(r"^FAILED +kernel (\w+) +(.*)$", text, re.MULTILINE)
        assert [name for name, _ in failed] == [kernel], text
        assert "differs from the portable one" in failed[0][1], failed
        print(*failed[0])


def stack_overflow(board):
    """A command that pushes without end: the board restarts by itself and says why, instead of locking up."""
    help_command, = (int(line.split()[0], 16) for line in listing(board) if re.search(r"<pico_llama::app::Commands::help\(.*>:$", line))
    image = with_code(board, help_command, lambda _: b"\xf0\xb5\xfd\xe7")  # push {r4-r7, lr}; b to it
    text = board.play(["expect > ", "send /help", "expect restarted by itself: stack overflow", "expect > "], firmware=image)
    expect(text, "restarted by itself: stack overflow")


def cautious_start(board):
    """Bring-up of a chip hangs, or faults: the board restarts, skips it, reports it, and generates stories."""
    def broken(function, instruction):
        address, = (int(line.split()[0], 16) for line in listing(board) if re.search(rf"{function}\(.*>:$", line))
        return with_code(board, address, lambda old: instruction + old[2:])
    script = ["expect hung or faulted on the last boot", *SHORT]
    text = board.play(script, board.pack("q8"), firmware=broken("reset_and_identify", b"\xfe\xe7"))  # b to itself
    expect(text, "! the PSRAM hung or faulted on the last boot", "PSRAM   skipped", told_of(24))
    text = board.play(script, board.pack("q8"), firmware=broken("identify_and_speed_up", b"\x00\xde"))  # udf
    expect(text, "restarted by itself: fault at pc", "! the flash hung or faulted on the last boot",
           "quad read, a command each (no continuous read), at 50 MHz (divider 3 to 3)", "PSRAM   8 MB, QPI at 75 MHz, tested",
           told_of(24))
    text = board.play(["expect the model hung or faulted", "expect > ", "send /mem", "expect stack of core 1"], board.pack("q8"),
                      firmware=broken("ModelLoader::load", b"\xfe\xe7"))
    expect(text, "! the model hung or faulted on the last boot")


def pico2(board):
    text = board.play(SHORT, board.pack("q8"), ["--board", "pico2"], firmware=board.of_preset("firmware-pico2"))
    expect(text, "on pico2", "PSRAM   none on this board", told_of(24))
    # Its button is the flash's select, looked at for each token: not while the stream reads ahead of the next.
    streamed = board.pack("q8", "stories3M_q80.bin", "tok4096.bin")
    text = board.play(SHORT, streamed, ["--board", "pico2"], firmware=board.of_preset("firmware-pico2"))
    expect(text, told_of(24))


def sister_boards(board):
    """The Plus 2 without radio and the PGA2350: flash, PSRAM and pins are the Plus 2 W's, the LED is on a GPIO."""
    for preset, name in (("firmware-plus2", "pimoroni_pico_plus2_rp2350"), ("firmware-pga2350", "pimoroni_pga2350")):
        text = board.play(SHORT, board.pack("q8"), firmware=board.of_preset(preset))
        expect(text, f"on {name}", "PSRAM   8 MB, QPI at 75 MHz, tested", "LED     breathes", told_of(24))


def static_stack_bounds():
    """Bytes, core 0 and core 1, as scripts/stack_bound.py found them in the ELF."""
    with open(ROOT / "bench/budget.csv") as table:
        measured = {row["what"]: int(row["measured"]) for row in csv.DictReader(table)}
    return measured["stack_core0_bytes"], measured["stack_core1_bytes"]


def many_stories(board, count):
    """Random prompts and commands: nothing leaks, nothing moves, the stacks stay within their bounds."""
    chance = random.Random(1)
    script = ["expect > ", "send /mem", "expect stack of core 1", "expect > "]
    for _ in range(count):
        if chance.random() < 0.3:
            script += [f"send /{chance.choice(['temp 0.7', 'topp 0.9', 'topk 20', 'cores 1', 'cores 2', 'seed random'])}",
                       "expect > "]
        prompt = "".join(chance.choice("abcdefgh ijklmnop é qrstuvwxyz") for _ in range(chance.randrange(20)))
        script += [f"send /steps {chance.randrange(16, 65)}", "expect > ", f"send {prompt}", "expect seed ", "expect > "]
    text = board.play(script + ["send /mem", "expect stack of core 1", "expect > "], board.pack("q8"), seconds=count * 2)
    # The table of what lives where, up to the stacks, whose high-water marks may rise.
    maps = [part.split("stack of core 0")[0] for part in text.split("> /mem")[1:]]
    assert len(maps) == 2 and "key/value cache" in maps[0], maps
    assert maps[0] == maps[1], maps
    used = [int(n) for n in re.findall(r"stack of core \d: (\d+) of \d+", text)[-2:]]
    assert len(used) == 2 and all(0 < n <= bound for n, bound in zip(used, static_stack_bounds())), used
    assert text.count("first token") == count, text.count("first token")
    print(f"{count} stories, stacks at most {used} B")


def stories_50(board):
    many_stories(board, 50)


def stories_1000(board):
    many_stories(board, 1000)


CASES = [f32_greedy, f32_sampled, shipped_f32, shipped_q8, f32_is_the_hosts, q8_is_the_hosts, q8_whole_context, q8_3m, q4_3m, q8_15m,
         q4_15m, q4_15m_133, q4_15m_prefill, stream_stops, no_model,
         two_models, flipped_bit, truncated, newer_version, psram_absent, psram_wrong_id, psram_stuck_bit, flash_4mb, flash_no_qe, flash_no_continuous, flash_foreign,
         clock_133, control_c, stall, unplug, paste, button, warm_reboot, reset_interfaces, nonsense, selftest, broken_kernels, stack_overflow, cautious_start, pico2, sister_boards, stories_50, stories_1000]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=[case.__name__ for case in CASES])
    parser.add_argument("--command", required=True)
    parser.add_argument("--firmware", required=True)
    parser.add_argument("--kernel-digests", required=True, help="the program of tests/firmware/app")
    parser.add_argument("--make-model", required=True, help="the program of tests/support")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        board = Board(arguments, scratch)
        try:
            next(case for case in CASES if case.__name__ == arguments.case)(board)
        except (AssertionError, subprocess.SubprocessError) as problem:
            print("FAILED:", problem)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
