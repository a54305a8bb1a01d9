#!/usr/bin/env python3
"""The check itself must catch what it is there for."""
import pathlib
import subprocess
import sys
import tempfile

CHECK = pathlib.Path(__file__).with_name("check_includes.py")


def run(files: dict[str, str]) -> subprocess.CompletedProcess:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return subprocess.run([sys.executable, CHECK, folder], capture_output=True, text=True)


assert run({"engine/a.cpp": '#include "engine/b.h"\n#include <cstdint>\n'}).returncode == 0
KERNEL = {f"engine/kernels/k/{name}": "" for name in ("asm/loop.h", "model/loop.h")}
assert run({**KERNEL, "engine/kernels/k/k_m33.cpp": '#include "loop.h"\n'}).returncode == 0
result = run({**KERNEL, "engine/kernels/k/asm/other.h": ""})
assert result.returncode == 1 and "engine/kernels/k/asm/other.h: is in asm/ alone" in result.stdout, result
for name, line in {
    "engine/a.cpp": "#include <cmath>",
    "engine/b.cpp": '#include "hal/console.h"',
    "hal/console.h": '#include "engine/forward/transformer.h"',
    "simulator/x.cpp": '  #  include "firmware/drivers/psram.h"',
    "firmware/app/a.cpp": '#include "firmware/drivers/psram.h"',
    "firmware/chips/a.h": '#include "engine/status.h"',
    "engine/kernels/k/k_m33.cpp": '#include "loop.h"',
}.items():
    result = run({name: line + "\n"})
    assert result.returncode == 1 and f"{name}:1:" in result.stdout, (name, result)
print("ok")
