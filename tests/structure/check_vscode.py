#!/usr/bin/env python3
"""firmware/ opens in VS Code's Raspberry Pi Pico extension: the facts by which the extension recognises a project and reads its
versions are in place, and the versions agree with scripts/setup.sh. Exit 1 and one line for each fact that does not hold."""
import json
import pathlib
import re
import sys

HEADER = "# == DO NOT EDIT THE FOLLOWING LINES for the Raspberry Pi Pico VS Code Extension to work =="
TASKS = {"Compile Project", "Run Project"}  # the extension's buttons start tasks by these names


def line_value(text: str, pattern: str) -> str | None:
    match = re.search(pattern, text, re.MULTILINE)
    return match and match[1]


def problems(root: pathlib.Path):
    firmware = root / "firmware"
    lists = (firmware / "CMakeLists.txt").read_text()
    setup = line_value((root / "scripts/setup.sh").read_text(), r"^sdk_(?:version|oldest)=([0-9.]+)")
    if not (firmware / "pico_sdk_import.cmake").is_file():
        yield "firmware/pico_sdk_import.cmake is missing: the extension does not start without it"
    if "pico_sdk_init()" not in lists:
        yield "firmware/CMakeLists.txt: no pico_sdk_init()"
    lines = lists.splitlines()
    if HEADER not in lines:
        yield f"firmware/CMakeLists.txt: no line `{HEADER}`"
        return
    # The extension replaces everything from the header to the last line of this form when it changes versions.
    ends = [number for number, line in enumerate(lines) if re.fullmatch(r"# =+", line)]
    if len(ends) != 1 or ends[0] < lines.index(HEADER):
        yield "firmware/CMakeLists.txt: exactly one line `# ===...` must follow the header"
        return
    block = "\n".join(lines[lines.index(HEADER):ends[0]])
    versions = {name: line_value(block, rf"^set\({name}\s+([^)]+)\)") for name in ("sdkVersion", "toolchainVersion", "picotoolVersion")}
    for name, value in versions.items():
        if value is None:
            yield f"firmware/CMakeLists.txt: the block sets no {name}"
    if versions["sdkVersion"] != setup:
        yield f"firmware/CMakeLists.txt: sdkVersion is {versions['sdkVersion']}, scripts/setup.sh installs {setup}"
    if versions["picotoolVersion"] != versions["sdkVersion"]:
        yield f"firmware/CMakeLists.txt: picotoolVersion is {versions['picotoolVersion']}, the SDK's is {versions['sdkVersion']}"
    board = r"^set\(PICO_BOARD\s+(\w+) CACHE STRING"
    if line_value(lists, board) is None or line_value(lists, board) != line_value((root / "cmake/pico_sdk.cmake").read_text(), board):
        yield "firmware/CMakeLists.txt: no `set(PICO_BOARD BOARD CACHE STRING ...)` in the first column with cmake/pico_sdk.cmake's board"
    project, executable = line_value(lists, r"project\(([^)\s]+)"), line_value(lists, r"^add_executable\(([^)\s]+)")
    if project != executable:
        yield f"firmware/CMakeLists.txt: the project is {project}, the executable {executable}: the extension would not find its ELF"
    for name in ("extensions", "launch", "settings", "tasks"):
        try:
            content = json.loads((firmware / f".vscode/{name}.json").read_text())
        except (OSError, ValueError) as error:
            yield f"firmware/.vscode/{name}.json: {error}"
            continue
        if name == "tasks" and not TASKS <= {task["label"] for task in content["tasks"]}:
            yield f"firmware/.vscode/tasks.json: needs the tasks {', '.join(sorted(TASKS))}"


def main() -> int:
    found = list(problems(pathlib.Path(sys.argv[1])))
    print("\n".join(found) if found else "firmware/ opens in VS Code's Pico extension")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
