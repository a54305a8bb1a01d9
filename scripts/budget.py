#!/usr/bin/env python3
"""Compares the firmware's sizes, stacks and cycles with bench/budget.csv.

budget.py check FIRMWARE_ELF [--only size|speed|models]     1: over budget, 77: not built or no model
budget.py update FIRMWARE_ELF                          writes what is measured now

Sizes and stack bounds come from the ELF (scripts/stack_bound.py); cycles of a token from the virtual board, which runs the ELF
with stories260K and generates 64 greedy tokens on both cores; those of other models, profiles and cores (`models`) from bench/board.py,
from which docs/performance.md is made as well. A regression is a figure above its budget: the one of the last update, plus 2 % for
cycles, 5 % for sizes. `update` accepts a cost or locks in a gain; the change is visible in review. Each supported compiler has its
own rows; the ELF names its compiler.
"""
import argparse
import csv
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "bench")]
import board  # noqa: E402
import stack_bound  # noqa: E402
import virtual_board  # noqa: E402

TABLE = ROOT / "bench" / "budget.csv"
CLK_SYS_HZ = 150_000_000
# Over what is measured at an update: sizes move by a little with every line of code, cycles should not.
SIZE_ROOM, CYCLES_ROOM = 1.05, 1.02
# Of bench/board.py's rows: model, profile, and the story's tokens, longer story, parts (as its MODELS).
ALWAYS = [("stories260K", "q8", (64, 0, True))]
OTHERS = [("stories260K", "q4", (32, 0, False)), ("stories260K", "f32", (32, 0, False)), ("stories3M", "q8", (6, 0, False)),
          ("stories3M", "q4", (6, 0, False)), ("15M shape", "q8", (3, 0, False)), ("15M shape", "q4", (4, 0, False))]


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def compiler_of(elf):
    """gcc-12: the newest compiler that left its name in the image; newlib's may be older."""
    text = subprocess.run(["arm-none-eabi-readelf", "-p", ".comment", elf], capture_output=True, text=True, check=True).stdout
    majors = re.findall(r"GCC: .* (\d+)[.]", text)
    return f"gcc-{max(map(int, majors))}"


def sizes(elf):
    text = subprocess.run(["arm-none-eabi-nm", elf], capture_output=True, text=True, check=True).stdout
    symbols = {line.split()[-1]: int(line.split()[0], 16) for line in text.splitlines() if len(line.split()) == 3}
    (core0, reserve0, _), (core1, reserve1, _) = stack_bound.bounds(elf)
    return {"flash_bytes": (symbols["__flash_binary_end"] - 0x10000000, None, "program and its constants; ELF"),
            "static_ram_bytes": (symbols["__bss_end__"] - 0x20000000 + symbols["__upper_code_end__"] - symbols["__upper_code_start__"], None,
                                 "code and variables in SRAM, without the model; ELF"),
            "stack_core0_bytes": (core0, reserve0, "worst case with interrupts; budget is the reserve; scripts/stack_bound.py"),
            "stack_core1_bytes": (core1, reserve1, "worst case; budget is the reserve; scripts/stack_bound.py")}


def cycles_per_token(elf, profile):
    with board.scratch_folder() as scratch:
        bench = board.Bench(scratch)
        uf2 = bench.cartridge(bench.pack(profile, *virtual_board.STORIES260K))
        script = ["send /json on", "expect json on", "send /temp 0", "send /steps 64", "send Once", *virtual_board.STORY_END]
        end, = board.ends(bench.play(elf, uf2, script))
    assert end["tokens"] == 63 and end["cores"] == 2, end
    return round(CLK_SYS_HZ / end["tokens_per_second"])


def speeds(elf):
    return {f"cycles_per_token_{profile}": (cycles_per_token(elf, profile), None,
                                            "stories260K, 64 greedy tokens, 2 cores; virtual board, 150 MHz")
            for profile in ("q8", "f32")}


def models(elf, which):
    """Cycles of a token: first tokens with each number of cores, the context's last position, a token of a prompt."""
    measured = {}
    with board.scratch_folder() as scratch:
        bench = board.Bench(scratch)
        for model, profile, plan in which:
            try:
                rows = board.measure(bench, elf, model, profile, plan=plan)
            except (virtual_board.Missing, virtual_board.Refused) as why:
                print("left out:", why)
                continue
            for row in rows:
                name = f"{model}_{profile}_{row['cores']}core".replace(" ", "_")
                how = "virtual board, 150 MHz; bench/board.py"
                measured[name] = round(row["cycles"]), None, f"cycles a token, first {row['tokens']}; {how}"
                if "prefill_rate" in row:
                    cycles = row["clk_sys_hz"] / row["prefill_rate"]
                    measured[name + "_prompt"] = round(cycles), None, f"cycles a token of {row['prompt_tokens']} of a prompt; {how}"
                for position, at in row.get("positions", {}).items():
                    if position > 64:
                        measured[f"{name}_at_{position}"] = at["cycles"], None, f"cycles of the token there; {how}"
    return measured


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["check", "update"])
    parser.add_argument("elf", type=pathlib.Path)
    parser.add_argument("--only", choices=["size", "speed", "models"])
    arguments = parser.parse_args()
    if not arguments.elf.exists():
        skip(f"{arguments.elf} is not built")
    measured = {}
    try:
        if arguments.only in (None, "size"):
            measured |= sizes(arguments.elf)
    except stack_bound.Unbounded as why:
        print("no stack bound:", why)
        return 1
    if arguments.only != "size":
        try:
            virtual_board.built(virtual_board.COMMAND)
            if arguments.only in (None, "speed"):
                measured |= speeds(arguments.elf)
                measured |= models(arguments.elf, ALWAYS)
            if arguments.only in (None, "models"):
                measured |= models(arguments.elf, OTHERS)
        except virtual_board.Missing as why:
            skip(why)

    compiler = compiler_of(arguments.elf)
    with TABLE.open(newline="") as file:
        rows = {(row["what"], row["compiler"]): row for row in csv.DictReader(file)}
    if arguments.what == "update":
        for what, (value, budget, how) in measured.items():
            room = SIZE_ROOM if what.endswith("_bytes") else CYCLES_ROOM
            rows[what, compiler] = {"what": what, "compiler": compiler, "budget": budget or int(value * room), "measured": value,
                                    "how": how}
        with TABLE.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["what", "compiler", "budget", "measured", "how"], lineterminator="\n")
            writer.writeheader()
            writer.writerows(row for _, row in sorted(rows.items(), key=lambda item: (item[0][1], list(rows).index(item[0]))))
    if not any(key[1] == compiler for key in rows):
        skip(f"{TABLE.name} has no rows of {compiler}; `budget.py update` writes them")
    over = 0
    for what, (value, _, _) in measured.items():
        if (what, compiler) not in rows:
            print(f"{what} {value} has no row of {compiler} in {TABLE.name}")
            over += 1
            continue
        row = rows[what, compiler]
        budget = int(row["budget"])
        over += value > budget
        print(f"{'OVER BUDGET ' if value > budget else ''}{what} {value}, budget {budget}, at the last update {row['measured']}")
    if over:
        print("If that cost is meant: scripts/budget.py update build/firmware/firmware.elf")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
