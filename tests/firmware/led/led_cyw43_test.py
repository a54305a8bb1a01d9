#!/usr/bin/env python3
"""Compiles firmware/drivers/led_cyw43.cpp, which no build here links: the radio's driver is in no Debian package.

led_cyw43_test.py FIRMWARE_BUILD     exit 77: not built here

Command, flags and warnings are those with which the firmware's build compiled led_radio.cpp; the declarations are the SDK's own
pico/cyw43_arch.h on top of the few that it takes from the driver (cyw43_interface/). The object must define what led.h
declares, and call what cyw43_arch.h declares.
"""
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def main():
    commands = pathlib.Path(sys.argv[1]) / "compile_commands.json"
    entry = None
    if commands.exists():
        entry = next((e for e in json.loads(commands.read_text()) if e["file"].endswith("drivers/led_radio.cpp")), None)
    if entry is None:
        print("skipped: the preset firmware is not built, or its SDK has the radio's driver and builds the file itself")
        return 77
    if not pathlib.Path(entry["directory"]).exists():
        print("skipped: the build is gone")
        return 77
    sdk = re.search(r"(\S+)/src/common/pico_stdlib_headers/include", entry["command"])[1]
    with tempfile.TemporaryDirectory() as scratch:
        wanted = pathlib.Path(scratch) / "led_cyw43.o"
        words = shlex.split(entry["command"])
        words[words.index("-o") + 1] = str(wanted)
        words[words.index("-c") + 1] = str(ROOT / "firmware/drivers/led_cyw43.cpp")
        for folder in (f"{sdk}/src/rp2_common/pico_cyw43_arch/include", f"{sdk}/src/common/pico_async_context/include",
                       f"{sdk}/src/rp2_common/pico_async_context/include", HERE / "cyw43_interface"):
            words += ["-isystem", str(folder)]
        words.append("-DPICO_CYW43_ARCH_THREADSAFE_BACKGROUND=1")  # as pico_cyw43_arch_none sets it
        subprocess.run(words, cwd=entry["directory"], check=True)
        symbols = subprocess.run(["arm-none-eabi-nm", "-C", wanted], check=True, capture_output=True, text=True).stdout
    print(symbols)
    for pattern in (r" T pico_llama::drivers::check_led\(\)", r" T pico_llama::drivers::start_led\(\)", r" T pico_llama::drivers::set_led\(bool\)",
                    r" U cyw43_arch_init$", r" U cyw43_arch_gpio_put$"):
        assert re.search(pattern, symbols, re.MULTILINE), f"no {pattern!r}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
