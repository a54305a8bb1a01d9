#!/usr/bin/env python3
"""check_vscode.py reports each fact that the extension depends on, one broken at a time."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

CHECK = pathlib.Path(__file__).with_name("check_vscode.py")
ROOT = pathlib.Path(sys.argv[1])


def run(file: str, old: str, new: str) -> subprocess.CompletedProcess:
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder)
        shutil.copytree(ROOT / "firmware", copy / "firmware", ignore=shutil.ignore_patterns("app", "drivers", "chips", "build"))
        for name in ("scripts/setup.sh", "cmake/pico_sdk.cmake"):
            (copy / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
        text = (copy / file).read_text()
        assert old in text, (file, old)
        (copy / file).write_text(text.replace(old, new))
        return subprocess.run([sys.executable, CHECK, folder], capture_output=True, text=True)


LISTS = "firmware/CMakeLists.txt"
for file, old, new, reported in [
    (LISTS, "DO NOT EDIT", "PLEASE EDIT", "no line"),
    (LISTS, "pico_sdk_init()", "", "pico_sdk_init"),
    (LISTS, "set(sdkVersion ", "set(sdkVersion 9", "setup.sh installs"),
    (LISTS, "set(picotoolVersion ", "set(picotoolVersion 9", "picotoolVersion"),
    (LISTS, "set(toolchainVersion", "set(toolchain", "toolchainVersion"),
    (LISTS, "\nset(PICO_BOARD ", "\n  set(PICO_BOARD ", "first column"),
    (LISTS, "\nproject(firmware ", "\nproject(other ", "would not find its ELF"),
    (LISTS, "\nadd_executable(", "\n# ====\nadd_executable(", "exactly one line"),
    ("firmware/.vscode/tasks.json", "Run Project", "Run", "needs the tasks"),
    ("firmware/.vscode/settings.json", "{", "", "settings.json"),
]:
    result = run(file, old, new)
    assert result.returncode == 1 and reported in result.stdout, (file, old, result)
print("ok")
