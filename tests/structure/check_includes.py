#!/usr/bin/env python3
"""Enforces who may include whom (DESIGN.md, "Layers"), over the #include lines of the tree.

Exit 1 and one line for each include that crosses a border the wrong way.
"""
import pathlib
import re
import sys

# The longest matching folder decides. Values: the path prefixes of this project it may include.
PROJECT = {
    "engine/": ["engine/"],
    "hal/": ["hal/", "engine/status.h", "engine/workers.h", "engine/streaming/staged_stream.h"],
    "firmware/app/": ["firmware/app/", "hal/", "engine/"],
    "firmware/chips/": ["firmware/chips/"],
    "firmware/drivers/": ["firmware/drivers/", "firmware/chips/", "hal/", "engine/status.h", "engine/workers.h",
                          "engine/streaming/staged_stream.h"],
    "firmware/": ["firmware/", "hal/", "engine/"],
    "formats/": ["formats/", "firmware/chips/", "engine/status.h", "engine/model/config.h"],
    # Facts only: a driver shared with the machine it drives would agree by construction and prove nothing.
    "simulator/": ["simulator/", "formats/", "firmware/chips/", "engine/status.h"],
    "trainer/": ["trainer/", "formats/", "engine/"],
    "tools/": [""],
    "tests/": [""],
    "bench/": [""],
    "web/": [""],
}
# The engine is pure: no I/O, heap, clock, threads or libm can even be named.
ENGINE_SYSTEM = set(
    "algorithm array bit concepts cstddef cstdint cstring initializer_list limits numeric optional span string_view "
    "tuple type_traits utility atomic hwy/foreach_target.h hwy/highway.h".split()
)
ROOTS = sorted({key.split("/")[0] for key in PROJECT})
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def rule_for(path: str) -> list[str]:
    return PROJECT[max((key for key in PROJECT if path.startswith(key)), key=len)]


def headers_of_kernels(root: pathlib.Path, kind: str) -> dict[str, str]:
    return {file.name: file.relative_to(root).as_posix() for file in sorted((root / "engine/kernels").glob(f"*/{kind}/*.h"))}


def violations(root: pathlib.Path):
    # Headers of which the build picks one by its include path: assembly, or the model of it that runs on a PC.
    assembly, models = headers_of_kernels(root, "asm"), headers_of_kernels(root, "model")
    for name in sorted(assembly.keys() ^ models.keys()):
        lone = assembly.get(name) or models[name]
        yield f"{lone}: is in {'asm/' if name in assembly else 'model/'} alone"
    for top in ROOTS:
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in {".h", ".cpp", ".c", ".inc", ".S"}:
                continue
            path = file.relative_to(root).as_posix()
            allowed = rule_for(path)
            for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                kind, target = match.groups()
                if any(target.startswith(f"{r}/") for r in ROOTS):
                    if not any(target.startswith(prefix) for prefix in allowed):
                        yield f"{path}:{number}: may not include {target}"
                elif path.startswith("engine/"):
                    local = (file.parent / target).exists()
                    if kind == "<" and target not in ENGINE_SYSTEM:
                        yield f"{path}:{number}: the engine may not include <{target}>"
                    elif kind == '"' and not local and target not in assembly:
                        yield f"{path}:{number}: unknown include \"{target}\""


def main() -> int:
    found = list(violations(pathlib.Path(sys.argv[1])))
    print("\n".join(found) if found else "every include respects its layer")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
