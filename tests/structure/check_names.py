#!/usr/bin/env python3
"""Files, sections, decisions and identifiers that a comment or a document names exist.

check_names.py ROOT      exit 1: one line for each name that is nowhere; 77: not a git checkout

A file: a path that begins with a folder of this tree (`engine/session.h`, `docs/decisions/`; * and {a,b} as a shell reads
them), a bare name (forward.cpp), and the target of a document's link with its #heading. A section: `SPEC.md, "Tensors"` or
`DESIGN.md ("Libraries")` is a heading of that document, or begins one. A decision: its number has a file in docs/decisions/.
An identifier: between backticks in a document, with an underscore or a capital inside (`kv_cache`, `Pass::run()`), it is a word of
some file that is no document; a Python test may be named without its test_.
Of a workflow (.yml) every line is read, because nothing here runs it; commands may name a file that they test for (`[ -x NAME ]`).
Folders named build and ../shared/ are not looked at. Records of their time (docs/perf-log.md, docs/decisions/) may name files that
are gone since; their links and decisions are checked.
"""
import fnmatch
import pathlib
import posixpath
import re
import subprocess
import sys

RECORDS = ("docs/perf-log.md", "docs/decisions/")
EXAMPLES = "tests/structure/check_"  # what these tests are tried with
SOURCES = {".h", ".cpp", ".c", ".S", ".inc", ".py", ".sh", ".cmake", ".ld"}
WORKFLOWS = {".yml"}
ENDINGS = r"(?:h|cpp|c|S|inc|py|sh|md|ld|cmake)"
# Files of other projects: llama2.c, GPT-2, compilers and C libraries, TinyUSB, the Pico SDK, its boot ROM, jnk0le/random.
ELSEWHERE = re.compile(r"(llama2|runq?|tusb|gpio|vreg|clocks|unique_id|runtime_init|sync_spin_lock|rp2040_usb|usb_virtual_disk)\.c$|llama\.cpp$|"
                       r"(export|tokenizer|train|model|encoder)\.py$|(arm_acle|immintrin|cyw43\w*|pico_\w+|hardware_\w+|usb_device_dpram|structure)\.h$|"
                       r"(cyw43_\w+|pico_\w+)\.(c|S|cmake)$|dcp_instr\.inc$|(boot2_w25q080|crt0)\.S$|memmap_default\.ld$|cortex_m33\.md$")
COMMENT = {".py": r"#(.*)|\"\"\"(.*)", ".sh": r"#(.*)", ".cmake": r"#(.*)", ".txt": r"#(.*)"}
C_COMMENT = r"//(.*)|/\*(.*)|^ \*(.*)"


def comment_lines(path, text):
    """(number, words) of each comment line; of a document or a workflow every line."""
    if pathlib.PurePath(path).suffix in WORKFLOWS | {".md"}:
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


def anchor(heading):
    """#heading of a link, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading).replace(" ", "-")


class Tree:
    def __init__(self, root, files):
        self.root, self.files = root, set(files)
        self.folders = {str(parent) for name in files for parent in pathlib.PurePath(name).parents}
        self.names = {pathlib.PurePath(name).name for name in files}
        tops = sorted({name.split("/")[0] for name in files if "/" in name})
        self.path = re.compile(rf"(?<![\w/.$}}>-])(?:{'|'.join(map(re.escape, tops))})/[\w./*{{}},-]*")
        self.bare = re.compile(rf"(?<![\w/.$<>*{{}}-])([\w-]{{2,}}\.{ENDINGS})(?![\w/])")
        self.words = set()
        for name in files:
            data = b"" if name.endswith(".md") else (root / name).read_bytes()
            if b"\0" not in data[:4096]:
                self.words.update(re.findall(r"[A-Za-z_]\w*", data.decode(errors="replace")))
        self.decisions = {found[1] for name in files if (found := re.match(r"docs/decisions/(\d{4})-", name))}

    def exists(self, name):
        name = name.rstrip("/")
        if "*" in name:
            return bool(fnmatch.filter(self.files | self.folders, name))
        # Also without its ending, as a program or a decision's number is named.
        return name in self.files or name in self.folders or any(one.startswith((name + ".", name + "-")) for one in self.files)

    def missing_files(self, words, guarded):
        for found in self.path.findall(words):
            name = found.rstrip(".,-")
            if "build" in name.split("/") or name in guarded:
                continue
            missing = [one for one in expand(name) if not self.exists(one)]
            if missing and "{" not in missing[0]:
                yield f"no {missing[0]}"
        for name in self.bare.findall(words):
            if name not in self.names and not ELSEWHERE.search(name):
                yield f"no file named {name}"

    def missing_identifiers(self, line):
        for code in re.findall(r"`([A-Za-z_](?:\w|::|\.)*)(?:\(\))?`", line):
            for word in re.findall(r"\w+", code):
                if re.search(r"_|[a-z0-9][A-Z]", word) and code not in self.names and not self.words & {word, f"test_{word}"}:
                    yield f"no `{word}` in any source"

    def missing_link(self, path, target):
        name, _, heading = target.partition("#")
        file = posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) if name else path
        if not self.exists(file):
            return f"a link to {target}, which is not there"
        if heading and heading not in map(anchor, headings((self.root / file).read_text())):
            return f"a link to {target}, but {file} has no such heading"
        return None

    def problems(self, path, text):
        guarded = re.findall(r"\[ -[efx] (\S+) \]", text) if pathlib.PurePath(path).suffix in WORKFLOWS else []
        for number, line in comment_lines(path, text):
            words = re.sub(r"\w+://\S+|\]\([^)\s]*\)" if path.endswith(".md") else r"\w+://\S+", "", line)
            found = [] if path.startswith(RECORDS) else [*self.missing_files(words, [] if line.lstrip().startswith("#") else guarded)]
            if path.endswith(".md") and not path.startswith(RECORDS):
                found += self.missing_identifiers(line)
            for name, section in re.findall(r"([\w/-]+\.md)`?\)?,? \(?\"([^\"]+)\"", words):
                target = next((one for one in (name, str(pathlib.PurePath(path).parent / name), f"docs/{name}") if one in self.files), None)
                if target and not any(heading.startswith(section.lower()) for heading in headings((self.root / target).read_text())):
                    found.append(f"{target} has no section \"{section}\"")
            for numbers in re.findall(r"[Dd]ecisions? ((?:\d{4}(?:, | and )?)+)", words):
                found += [f"no decision {one}" for one in re.findall(r"\d{4}", numbers) if one not in self.decisions]
            if path.endswith(".md"):
                found += filter(None, (self.missing_link(path, one) for one in re.findall(r"\]\(([^)\s]+)\)", line) if "://" not in one))
            yield from (f"{path}:{number}: {problem}" for problem in found)


def main():
    root = pathlib.Path(sys.argv[1])
    listing = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
    if listing.returncode != 0:
        print("skipped: not a git checkout")
        return 77
    files = [name for name in listing.stdout.splitlines() if (root / name).is_file()]
    tree, found = Tree(root, files), []
    for path in files:
        if path.startswith(EXAMPLES) or not (pathlib.PurePath(path).suffix in SOURCES | WORKFLOWS | {".md"} or path.endswith("CMakeLists.txt")):
            continue
        found += tree.problems(path, (root / path).read_text(errors="replace"))
    print("\n".join(found) or "every name exists")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
