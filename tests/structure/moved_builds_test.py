"""scripts/moved-builds.sh: a tree that was moved with its build folders builds again."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from virtual_board import ROOT


class MovedBuilds(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name).resolve()
        source = self.folder / "tree"
        source.mkdir()
        (source / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(nothing NONE)\n")

    def configure(self, tree):
        return subprocess.run(["cmake", "-G", "Ninja", "-S", tree, "-B", tree / "build/host"], capture_output=True, text=True)

    def mend(self, tree):
        run = subprocess.run([ROOT / "scripts/moved-builds.sh", tree / "build"], capture_output=True, text=True, check=True)
        self.assertEqual(run.stdout, "")
        return run.stderr

    def test_a_build_that_was_not_moved_stays(self):
        tree = self.folder / "tree"
        self.assertEqual(self.mend(tree), "")  # nothing is built yet
        self.assertEqual(self.configure(tree).returncode, 0)
        self.assertEqual(self.mend(tree), "")
        (self.folder / "link").symlink_to(tree)
        self.assertEqual(self.mend(self.folder / "link"), "")
        self.assertTrue((tree / "build/host/CMakeCache.txt").exists())

    def test_a_moved_one_is_made_anew(self):
        for change, name in ((shutil.copytree, "copied"), (shutil.move, "moved")):
            self.assertEqual(self.configure(self.folder / "tree").returncode, 0)
            tree = self.folder / name
            change(self.folder / "tree", tree)
            self.assertNotEqual(self.configure(tree).returncode, 0, "cmake takes a moved folder: this script is not needed")
            self.assertEqual(self.mend(tree),
                             f"build: {tree}/build/host was made at {self.folder}/tree/build/host; it is made anew\n")
            run = self.configure(tree)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(self.mend(tree), "")
