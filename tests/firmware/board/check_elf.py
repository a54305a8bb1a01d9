#!/usr/bin/env python3
"""Checks the linked firmware: per-token code is in SRAM, nothing allocates or throws, the program ends below the cartridge.

check_elf.py FIRMWARE_ELF     exit 77: not built here
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]

HOT = [
    r"Transformer::Pass::task<.*NumericsQ8>", r"Transformer::forward\(", r"Session::step\(", r"Sampler::sample\(",
    r"CoreWorkers::run\(", r"CoreWorkers::barrier\(", r"vtable for .*CoreWorkers", r"UsbConsole::write\(", r"pico_llama::dsp::\w+\(",
]
# Kernels of f32 alone, which waits for the bus: they stay in the XIP cache (firmware/memmap.ld).
KERNELS_IN_FLASH = {"rmsnorm", "attention_f32", "swiglu"}
NEVER = [r"\b_?malloc(_r)?$", r"\b_?free(_r)?$", r"\b_?sbrk$", r"__gxx_personality", r"_Unwind_", r"__cxa_throw", r"\bstrtod"]

# All that code in SRAM may call in flash: what a token needs at most once, and what ends the run. The linker makes a veneer for
# each, so a function that has slipped out of SRAM, an inline one among them, shows up as a veneer that is not here.
FROM_SRAM_TO_FLASH = [
    r"memcpy$", r"memset$", r"memchr$", r"memcmp$", r"panic$", r"check_failed\(", r"q4_row\(", r"Sampler::penalize\(",
    r"Session::(draft|verify|finish|reach_limit|drop_shown)\(", r"Numerics::append_to_streamed_cache<",
    r"m33::.*::(quantize|add_shifted<.*>)\(", r"NumericsQ8::put_q4_bias\(",
    r"Tokenizer::decode\(", r"tud_\w+$", r"tu_fifo_\w+$", r"stdio_\w+$", r"time_us_64$", r"best_effort_wfe_or_timeout$",
    r"multicore_launch_core1$", r"UsbConsole::(takes|note_input)_without_dtr\(",
]

# Between their first access in direct mode and their last register, flash cannot be read: run_in_sram() copies them.
WITHOUT_FLASH = {r"identify_and_speed_up\(": True, r"reset_and_identify\(": False, r"set_flash_timing\(": True}  # False: only where there is PSRAM
MOST_BYTES = 1024  # firmware/drivers/run_in_sram.h
# A core that wakes up looks for what was written before the event: a store buffer must not still hold it.
ANNOUNCE = r"CoreWorkers::run\(|QspiStream::announce\("


def hot_kernels():
    """Every other kernel of engine/kernels/list.inc, as the board's backend has it."""
    lines = (ROOT / "engine/kernels/list.inc").read_text()
    found = re.findall(r"^PICO_LLAMA_KERNEL\((\w+), \w+, (own|portable), \w+\)", lines, re.MULTILINE)
    assert len(found) > len(KERNELS_IN_FLASH), "list.inc is written otherwise: correct this check"
    return [rf"{'m33' if origin == 'own' else 'portable'}::{name}\(" for name, origin in found if name not in KERNELS_IN_FLASH]


def functions(elf, names):
    """Name and instructions, (address, text), of each function that matches."""
    found = {}
    lines = subprocess.run(["arm-none-eabi-objdump", "-d", "-C", elf], capture_output=True, text=True, check=True).stdout.splitlines()
    inside = None
    for line in lines:
        if m := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            inside = m[1] if re.search(names, m[1]) and "veneer" not in m[1] else None
        elif inside and (m := re.match(r" *([0-9a-f]+):\s+[0-9a-f ]+\t(.*)", line)):
            found.setdefault(inside, []).append((int(m[1], 16), m[2]))
    return found


def calls_to_flash(elf):
    problems = []
    for pattern, always in WITHOUT_FLASH.items():
        found = functions(elf, pattern)
        if always and not found:
            problems.append(f"no symbol matches {pattern}: inlined or renamed; correct this list")
        for name, instructions in found.items():
            # The literals behind the code are words to the disassembler: they end what is copied.
            begin, end = instructions[0][0], instructions[-1][0] + 4
            if end - begin > MOST_BYTES:
                problems.append(f"{name} has {end - begin} bytes, run_in_sram() copies {MOST_BYTES}")
            for address, text in instructions:
                for target in re.findall(r"\b([0-9a-f]{8}) <", text):
                    if not begin <= int(target, 16) < end:
                        problems.append(f"{name} at {address:#x} leaves its copy: {text}")
    return problems


def events_without_barrier(elf):
    problems, seen = [], 0
    for name, instructions in functions(elf, ANNOUNCE).items():
        for (_, before), (address, text) in zip(instructions, instructions[1:]):
            if text.strip() == "sev":
                seen += 1
                if not before.startswith("dsb"):
                    problems.append(f"{name} at {address:#x}: SEV without DSB before it")
    return problems if seen else problems + ["no SEV in the functions that should announce: correct this list"]


def veneers_to_flash(symbols):
    problems, seen = [], 0
    mangled = [(address, m[1]) for address, name in symbols if address >= 0x20000000 and (m := re.match(r"__(.*)_veneer$", name))]
    names = subprocess.run(["c++filt"], input="\n".join(name for _, name in mangled), capture_output=True, text=True,
                           check=True).stdout.splitlines()
    for (address, _), name in zip(mangled, names):
        seen += 1
        if not any(re.search(allowed, name) for allowed in FROM_SRAM_TO_FLASH):
            problems.append(f"code in SRAM calls {name} in flash (veneer at {address:#x})")
    return problems if seen else ["no veneers from SRAM: the linker names them otherwise; correct this check"]


def paths_of_this_machine(elf):
    """The image must not depend on where it was built, nor carry a home folder to others."""
    with tempfile.TemporaryDirectory() as scratch:
        loaded = pathlib.Path(scratch) / "loaded.bin"
        subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", elf, loaded], check=True)
        data = loaded.read_bytes()
    return [f"{folder} is in the image" for folder in (ROOT, pathlib.Path.home()) if str(folder).encode() in data]


def main():
    elf = pathlib.Path(sys.argv[1])
    if not elf.exists():
        print("skipped:", elf, "is not built")
        return 77
    lines = subprocess.run(["arm-none-eabi-nm", "-C", elf], capture_output=True, text=True, check=True).stdout.splitlines()
    symbols = [(int(m[1], 16), m[2]) for m in (re.match(r"([0-9a-f]+) . (.*)", line) for line in lines) if m]
    problems = []
    for hot in HOT + hot_kernels():
        found = [(address, name) for address, name in symbols if re.search(hot, name) and "veneer" not in name]
        if not found:
            problems.append(f"no symbol matches {hot}: inlined or renamed; correct this list")
        problems += [f"{name} is at {address:#x}, not in SRAM" for address, name in found if address < 0x20000000]
    problems += [f"{name} is linked" for _, name in symbols for never in NEVER if re.search(never, name)]
    problems += veneers_to_flash(symbols)
    problems += paths_of_this_machine(elf)
    problems += calls_to_flash(elf) + events_without_barrier(elf)
    end = next(address for address, name in symbols if name == "__flash_binary_end")
    if end > 0x10080000:
        problems.append(f"the program ends at {end:#x}, in the model's place")
    print("\n".join(problems) or f"ok: {end - 0x10000000} bytes of flash")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
