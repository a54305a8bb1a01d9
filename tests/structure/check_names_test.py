"""The check of names finds what it is there for, and no more."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).with_name("check_names.py")
OK = "every name exists"


class CheckNames(unittest.TestCase):
    def check(self, files):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["git", "init", "-q", folder], check=True)
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            run = subprocess.run([sys.executable, CHECK, folder], capture_output=True, text=True)
        return run.returncode, run.stdout.splitlines()

    def test_names_that_exist_pass(self):
        self.assertEqual(self.check({
            "engine/a.h": "// As engine/b.cpp has it; SPEC.md, \"Tensors\"; docs/*.md; engine/{a.h,b.cpp}; build/engine/x.o; engine/.\n",
            "engine/b.cpp": "#include \"engine/nowhere.h\"\n",
            "docs/x.md": "`a.h`, [here](../engine/b.cpp), `run.c` and https://example.org/engine/c.h\n",
            "docs/0007-why.md": "", "SPEC.md": "# A\n## Tensors\n", "t.py": '"""See docs/0007."""\n',
            "docs/decisions/0003-x.md": "As engine/long_gone.cpp did; decision 0003.\n", "engine/c.h": "// As run.c and a.h (decision 0003).\n",
            "docs/y.md": "[a](x.md), [b](../SPEC.md#a), [c](#one-two-three), [d](http://x.org/y.md#z)\n## One, `two`: three\n"}), (0, [OK]))

    def test_a_comment_that_names_a_file_that_is_gone(self):
        for name, text in {"engine/a.h": "int x;  // engine/gone.h\n", "engine/t.py": "# engine/gone.h\n", "engine/CMakeLists.txt": "# engine/gone.h\n",
                           "README.md": "see engine/gone.h.\n", "engine/u.py": 'def f():\n    """Two\n    lines of engine/gone.h."""\n'}.items():
            code, lines = self.check({"engine/x.h": "", name: text})
            self.assertEqual((code, len(lines)), (1, 1), (name, lines))
            self.assertTrue(lines[0].startswith(f"{name}:") and lines[0].endswith("no engine/gone.h"), lines)

    def test_a_bare_name(self):
        for name, text in {"README.md": "`gone.md`\n", "engine/a.cpp": "// As gone.md has it.\n", "b.py": "x = 1  # (gone.md: table 3)\n"}.items():
            self.assertEqual(self.check({name: text}), (1, [f"{name}:1: no file named gone.md"]))

    def test_a_workflow(self):
        workflow = {"scripts/a.sh": "", ".github/workflows/w.yml": "# Runs scripts/gone.sh.\n      - run: scripts/gone.sh\n"}
        self.assertEqual(self.check(workflow), (1, [f".github/workflows/w.yml:{line}: no scripts/gone.sh" for line in (1, 2)]))
        workflow[".github/workflows/w.yml"] += "      - run: if [ -x scripts/gone.sh ]; then scripts/gone.sh; fi\n"
        self.assertEqual(self.check(workflow), (1, [".github/workflows/w.yml:1: no scripts/gone.sh"]))

    def test_an_identifier(self):
        sources = {"engine/a.h": "void Pass::run(int kv_cache);\n", "t.py": "def test_warm_start(self):\n"}
        self.assertEqual(self.check({**sources, "x.md": "`Pass::run()`, `kv_cache`, `warm_start`, `plain`, `a b_c`, `CMakeLists.txt`\n",
                                     "CMakeLists.txt": "", "docs/perf-log.md": "`longGone()`\n"}), (0, [OK]))
        for name in ("oldName", "Pass::old_name()", "old_name"):
            word = name.split(":")[-1].rstrip("()")
            self.assertEqual(self.check({**sources, "x.md": f"`{name}`\n"}), (1, [f"x.md:1: no `{word}` in any source"]))

    def test_a_decision_that_was_never_made(self):
        for name, text in {"engine/a.h": "// Decisions 0001 and 0012 say why.\n", "DESIGN.md": "(decision 0012)\n", "docs/decisions/0002-b.md": "See decision 0012.\n"}.items():
            self.assertEqual(self.check({"docs/decisions/0001-a.md": "", name: text}), (1, [f"{name}:1: no decision 0012"]))

    def test_a_link_that_leads_nowhere(self):
        for target, problem in {"gone.md": "which is not there", "../SPEC.md#b": "but SPEC.md has no such heading", "#c": "but docs/x.md has no such heading"}.items():
            self.assertEqual(self.check({"SPEC.md": "# A\n", "docs/x.md": f"[here]({target})\n"}), (1, [f"docs/x.md:1: a link to {target}, {problem}"]))

    def test_a_section_that_is_gone(self):
        self.assertEqual(self.check({"SPEC.md": "# A\n", "a.h": "// SPEC.md (\"B\")\n"}), (1, ['a.h:1: SPEC.md has no section "B"']))
