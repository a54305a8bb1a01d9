#!/usr/bin/env python3
"""Files and sections that a comment or a document names exist.

check_names.py ROOT      exit 1: one line for each name that is nowhere; 77: not a git checkout

A file: a path that begins with a folder of this tree (`engine/session.h`, `docs/decisions/`; * and {a,b} as a shell reads
them), and in a document also a bare name between backticks (`forward.cpp`). A section: `SPEC.md, "Tensors"` or
`DESIGN.md ("Libraries")` is a heading of that document, or begins one. Folders named build and ../shared/ are not looked at. Records of their time
(docs/perf-log.md, docs/decisions/) may name files that are gone since.
"""
import fnmatch
import pathlib
import re
import subprocess
import sys

RECORDS = ("docs/perf-log.md", "docs/decisions/", "tests/structure/check_")  # and these tests' own examples
SOURCES = {".h", ".cpp", ".c", ".S", ".inc", ".py", ".sh", ".cmake", ".ld"}
ENDINGS = r"(?:h|cpp|c|S|inc|py|sh|md|ld|cmake)"
# Files of other projects, and those that a build or a user makes.
ELSEWHERE = re.compile(r"(run|runq|export|tokenizer|train|model|stories\w*|tusb|cyw43\w*|pico_\w+|hardware_\w+|arm_acle|immintrin)\.\w+$|"
                       r"memmap_default\.ld|crt0\.S|compile_commands\.json|callgrind|story\.|test\.json|stories\.txt")
COMMENT = {".py": r"#(.*)|\"\"\"(.*)", ".sh": r"#(.*)", ".cmake": r"#(.*)", ".txt": r"#(.*)"}
C_COMMENT = r"//(.*)|/\*(.*)|^ \*(.*)"


def comment_lines(path, text):
    """(number, words) of each comment line; of a document every line."""
    if path.endswith(".md"):
        yield from enumerate(text.splitlines(), 1)
        return
    pattern = re.compile(COMMENT.get(pathlib.PurePath(path).suffix, C_COMMENT))
    docstring = False
    for number, line in enumerate(text.splitlines(), 1):
        if path.endswith(".py") and (docstring or '"""' in line):
            docstring ^= line.count('"""') % 2 == 1
            yield number, line
        elif found := pattern.search(line):
            yield number, next(group for group in found.groups() if group is not None)


def expand(name):
    """a{b,c} as a shell reads it."""
    found = re.search(r"\{([^{}]*)\}", name)
    if not found:
        return [name]
    return [one for part in found[1].split(",") for one in expand(name[:found.start()] + part + name[found.end():])]


def headings(text):
    return {re.sub(r"[`*]", "", line.lstrip("#").strip()).lower() for line in text.splitlines() if line.startswith("#")}


class Tree:
    def __init__(self, root, files):
        self.root, self.files = root, set(files)
        self.folders = {str(parent) for name in files for parent in pathlib.PurePath(name).parents}
        self.names = {pathlib.PurePath(name).name for name in files}
        tops = sorted({name.split("/")[0] for name in files if "/" in name})
        self.path = re.compile(rf"(?<![\w/.$}}>-])(?:{'|'.join(map(re.escape, tops))})/[\w./*{{}},-]*")

    def exists(self, name):
        name = name.rstrip("/")
        if "*" in name:
            return bool(fnmatch.filter(self.files | self.folders, name))
        # Also without its ending, as a program or a decision's number is named.
        return name in self.files or name in self.folders or any(one.startswith((name + ".", name + "-")) for one in self.files)

    def problems(self, path, text):
        document = path.endswith(".md")
        for number, words in comment_lines(path, text):
            words = re.sub(r"\w+://\S+", "", words)
            for found in self.path.findall(words):
                name = found.rstrip(".,-")
                if "build" in name.split("/"):
                    continue
                missing = [one for one in expand(name) if not self.exists(one)]
                if missing and "{" not in missing[0]:
                    yield f"{path}:{number}: no {missing[0]}"
            if document:
                for name in re.findall(rf"`([\w-]+\.{ENDINGS})`", words):
                    if name not in self.names and not ELSEWHERE.search(name):
                        yield f"{path}:{number}: no file named {name}"
            for name, section in re.findall(r"([\w/-]+\.md)`?\)?,? \(?\"([^\"]+)\"", words):
                target = next((one for one in (name, str(pathlib.PurePath(path).parent / name), f"docs/{name}") if one in self.files), None)
                if target and not any(heading.startswith(section.lower()) for heading in headings((self.root / target).read_text())):
                    yield f"{path}:{number}: {target} has no section \"{section}\""


def main():
    root = pathlib.Path(sys.argv[1])
    listing = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
    if listing.returncode != 0:
        print("skipped: not a git checkout")
        return 77
    files = [name for name in listing.stdout.splitlines() if (root / name).is_file()]
    tree, found = Tree(root, files), []
    for path in files:
        if path.startswith(RECORDS) or not (pathlib.PurePath(path).suffix in SOURCES | {".md"} or path.endswith("CMakeLists.txt")):
            continue
        found += tree.problems(path, (root / path).read_text(errors="replace"))
    print("\n".join(found) or "every file and section that is named exists")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
