"""Models on the virtual board, measured: what board_table.py prints and scripts/budget.py guards.

Everything is simulated time of the real firmware image, read from what the firmware itself says over USB serial.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/support"))
import virtual_board  # noqa: E402
from virtual_board import ROOT, Missing  # noqa: E402

# name: checkpoint and tokenizer; profiles; tokens of the short story; a longer one, and the parts of a token, where that is quick.
MODELS = {
    "stories260K": ("stories260K.bin", "tok512.bin", {"q8": (64, 256, True), "q4": (64, 256, True), "f32": (64, 256, False)}),
    "pico-tales": ("pico-tales.bin", "pico-tales.tok.bin", {"q8": (32, 0, False), "q4": (32, 0, False)}),
    "stories3M": ("stories3M_q80.bin", "tok4096.bin", {"q8": (16, 0, False), "q4": (16, 0, False), "f32": (4, 0, False)}),
    "15M shape": ("", "", {"q8": (4, 0, False), "q4": (8, 0, False)}),
}
# 64 tokens or a few more of prompt, for the rate at which a prompt is read.
PROMPT = ("Once upon a time there was a little girl who liked to play in the park with her dog. One day she saw a big red ball "
          "and a small blue bird. The bird was sad. She ran to it")

# The least the Cortex-M33 can spend on a multiply-accumulate of a matmul: DESIGN.md, "Two rows in one operand" (q8: 17
# cycles for 16), a load, VMUL and VADD and an eighth of x's load (f32). q4 is counted as q8 is, its unpacking as nothing.
MATMUL_CYCLES = {"q8": 17 / 16, "q4": 17 / 16, "f32": 3.125}
# Attention: a load, two SXTB16 and four SMLAD for four int8 and two heads; a load, VMUL and VADD. No exponential is counted.
ATTENTION_CYCLES = {"q8": 7 / 8, "q4": 7 / 8, "f32": 3.0}


def number(text):
    return int(text.replace(",", ""))


class Bench(virtual_board.Packer):
    """Cartridges of MODELS, and scripts played with them."""

    def cartridge_of(self, model, profile):
        """The model's cartridge, and what it holds. Errors: Missing, Refused."""
        checkpoint, tokenizer = MODELS[model][:2]
        image = self.pack(profile, *((checkpoint, tokenizer) if checkpoint else self.synthetic_15m()))
        return self.cartridge(image), json.loads(virtual_board.command("info", image, "--json"))

    def play(self, elf, uf2, lines):
        return virtual_board.play(self.scratch, [virtual_board.built(elf), uf2], ["expect > ", *lines], seconds=240)


def story(prompt, steps):
    return [f"send /steps {steps}", "expect steps", f"send {prompt}", *virtual_board.STORY_END]


def ends(text):
    """The objects that end the stories."""
    return [end for _, end in virtual_board.stories(text)]


def roofline(info, clk_sys_hz, cores, position, bus):
    """Cycles a token costs at least: by arithmetic, and by what crosses the QSPI bus. `bus`: (bytes, divider) of each memory."""
    c, profile = info["config"], info["profile"]
    head = c["dim"] // c["n_heads"]
    kv_dim = head * c["n_kv_heads"]
    matmul = (c["n_layers"] * (2 * c["dim"] * c["dim"] + 2 * c["dim"] * kv_dim + 3 * c["dim"] * c["hidden_dim"])
              + info["tensors"][-1]["rows"] * c["dim"])
    attention = 2 * c["n_layers"] * c["dim"] * (position + 1)
    arithmetic = (matmul * MATMUL_CYCLES[profile] + attention * ATTENTION_CYCLES[profile]) / cores
    # A line of 8 bytes, chained, costs 16 dividers and 2 (docs/timing.md).
    return arithmetic, sum(size / 8 * (16 * divider + 2) for size, divider in bus)


def guesses(end):
    """Of the object that ends a story: tokens that a pass gave, and tokens that it ran for them; both 1 without guesses."""
    if not end.get("drafted"):
        return {"tokens_a_pass": 1, "tokens_run_a_pass": 1, "drafted": 0, "accepted": 0}
    return {"tokens_a_pass": end["tokens"] / end["passes"], "tokens_run_a_pass": 1 + end["drafted"] / end["passes"],
            "drafted": end["drafted"], "accepted": end["accepted"]}


def measure(bench, elf, model, profile, cores=(2, 1), plan=None):
    """One row for each number of cores."""
    uf2, info = bench.cartridge_of(model, profile)
    short, long, parts = plan or MODELS[model][2][profile]
    lines = ["send /json on", "expect json on", "send /temp 0", "expect temperature", "send /mem", "expect stack of core 1"]
    for core in cores:
        lines += [f"send /cores {core}", "expect cores", *story("", short)]
        lines += story("", long) if long else []
        lines += story(PROMPT, 80) if parts else []
    # The answer's last line is read to its end, or it is cut.
    lines += ["send /bench", f"expect story, {max(cores)} core", "expect digest", "expect }"] if parts else []
    text = bench.play(elf, uf2, lines)
    # The banner came before /json.
    clk = int(float(re.search(r"^clocks +([\d.]+) MHz", text, re.MULTILINE)[1]) * 1_000_000)
    flash_divider = int(re.search(r"\(divider \d+ to (\d+)", text)[1])
    psram = re.search(r"PSRAM +8 MB, QPI at ([\d.]+) MHz", text)
    said = virtual_board.messages(text)
    placed = [m for line in said if (m := re.match(r"weights +([\d,]+) B +(SRAM|PSRAM|flash)", line))]
    weights = {m[2]: number(m[1]) for m in placed}
    bus_bytes = next(number(m[1]) for line in said if (m := re.match(r"bus, each token +([\d,]+) B", line)))
    cache = next(m for line in said if (m := re.match(r"key/value cache +([\d,]+) B +(\w+)", line)))
    # /mem counts half the cache where that is on the bus; the rest are weights, first those in PSRAM. A story's middle
    # reads as much of the cache as has been told.
    told, rows = ends(text), []
    half_cache = number(cache[1]) // 2 if cache[2] != "SRAM" else 0
    middle = told[0]["tokens"] / 2
    cache_bytes = round(half_cache * (middle + 1) / (info["config"]["seq_len"] / 2))
    bus_bytes += cache_bytes - half_cache
    psram_divider = round(clk / (float(psram[1]) * 1e6)) if psram else 0
    from_psram = min(bus_bytes - cache_bytes, weights.get("PSRAM", 0))
    streamed = " and ".join(name for name, size in (("PSRAM", from_psram + cache_bytes), ("flash", bus_bytes - from_psram - cache_bytes))
                            if size > 1000)
    bus = [(from_psram + cache_bytes, psram_divider), (bus_bytes - from_psram - cache_bytes, flash_divider)]
    for core in cores:
        row = {"model": model, "profile": profile, "cores": core, "clk_sys_hz": clk, "image_bytes": info["bytes"],
               "bus_bytes": bus_bytes, "streamed_from": streamed, "tokens": told[0]["tokens"]}
        first = told.pop(0)
        row["rate"] = first["tokens_per_second"]
        row |= guesses(first)
        if long:
            row["long_tokens"] = told[0]["tokens"]
            row["long_rate"] = told.pop(0)["tokens_per_second"]
        if parts:
            row["prompt_tokens"] = told[0]["prompt_tokens"]
            row["prefill_rate"] = told.pop(0)["prefill_tokens_per_second"]
            for line in said:
                if m := re.match(rf"token, {core} cores?, position (\d+): ([\d,]+) cycles: (.*)", line):
                    row.setdefault("positions", {})[int(m[1])] = {"cycles": number(m[2]), **{
                        p[1]: number(p[2]) for p in (re.match(r"(.*) ([\d,]+)$", part) for part in m[3].split("; "))}}
        # A pass runs its guesses too, and gives the tokens of those that are right.
        token_cycles, row["bus_cycles"] = roofline(info, clk, core, middle, bus)
        row["arithmetic_cycles"] = token_cycles * row["tokens_run_a_pass"]
        row["cycles"] = clk / row["rate"]
        row["limit_rate"] = clk * row["tokens_a_pass"] / max(row["arithmetic_cycles"], row["bus_cycles"])
        rows.append(row)
    return rows


def clock_of(megahertz):
    """The firmware built for a clock; builds it."""
    folder = ROOT / ("build/firmware" if megahertz == 150 else f"build/firmware-{megahertz}mhz")
    for command in (["cmake", "--preset", "firmware", "-B", folder, f"-DPICO_LLAMA_CLK_SYS_MHZ={megahertz}"],
                    ["cmake", "--build", folder]):
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if run.returncode != 0:
            raise Missing(f"the firmware at {megahertz} MHz does not build:\n{run.stdout[-2000:]}")
    return folder / "firmware.elf"


def scratch_folder():
    return tempfile.TemporaryDirectory(prefix="pico-llama-bench-")
