"""The check of names finds what it is there for, and no more."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).with_name("check_names.py")


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
            "docs/0007-why.md": "", "SPEC.md": "# A\n## Tensors\n", "t.py": '"""See docs/0007."""\n'})[0], 0)

    def test_a_comment_that_names_a_file_that_is_gone(self):
        for name, text in {"engine/a.h": "int x;  // engine/gone.h\n", "engine/t.py": "# engine/gone.h\n", "engine/CMakeLists.txt": "# engine/gone.h\n",
                           "README.md": "see engine/gone.h.\n", "engine/u.py": 'def f():\n    """Two\n    lines of engine/gone.h."""\n'}.items():
            code, lines = self.check({"engine/x.h": "", name: text})
            self.assertEqual((code, len(lines)), (1, 1), (name, lines))
            self.assertTrue(lines[0].startswith(f"{name}:") and lines[0].endswith("no engine/gone.h"), lines)

    def test_a_bare_name_in_a_document(self):
        self.assertEqual(self.check({"README.md": "`gone.cpp`\n"}), (1, ["README.md:1: no file named gone.cpp"]))

    def test_a_section_that_is_gone(self):
        self.assertEqual(self.check({"SPEC.md": "# A\n", "a.h": "// SPEC.md (\"B\")\n"}), (1, ['a.h:1: SPEC.md has no section "B"']))
