"""scripts/release.sh in two folders: the same bytes, and every file does what it is for."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOARDS = {"pico-plus-2-w": "pico-plus-2-w", "pico-plus-2": "pico-plus-2-w", "pga2350": "pico-plus-2-w", "pico-2": "pico2"}


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


class Release(unittest.TestCase):
    maxDiff = None  # the files that differ, by name

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        # Names of two lengths: a path in a file would shift what comes behind it.
        cls.trees = [pathlib.Path(cls.scratch.name, name) for name in ("a", "another-folder")]
        for tree, cache in zip(cls.trees, ("0", "1")):
            subprocess.run(["git", "clone", "-q", ROOT, tree], check=True)
            (tree / ".deps").symlink_to((ROOT / ".deps").resolve())
            shutil.copytree(ROOT / "web/node_modules", tree / "web/node_modules", symlinks=True)
            # Nothing from a compiler cache in the second: each file is compiled twice.
            environment = {**os.environ, "CCACHE_BASEDIR": str(tree), "CCACHE_NOHASHDIR": "1"}
            if cache == "1":
                environment["CCACHE_DISABLE"] = "1"
            subprocess.run([tree / "scripts/release.sh"], check=True, env=environment)
        cls.dist = cls.trees[0] / "dist"
        cls.version = re.search(r"VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text().split("project(pico_llama ")[1])[1]

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_twice_the_same_bytes(self):
        sums = [(tree / "dist/SHA256SUMS").read_text() for tree in self.trees]
        self.assertEqual(*(text.splitlines() for text in sums))
        files = sorted(str(file.relative_to(self.dist)) for file in self.dist.rglob("*") if file.is_file())
        self.assertEqual(sorted([line.split("  ")[1] for line in sums[0].splitlines()] + ["SHA256SUMS"]), files)
        for tree in self.trees:
            subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tree / "dist", check=True)

    def test_again_in_the_same_folder(self):
        before = (self.dist / "SHA256SUMS").read_bytes()
        (self.dist / "left-over.uf2").touch()
        subprocess.run([self.trees[0] / "scripts/release.sh"], check=True)
        self.assertEqual((self.dist / "SHA256SUMS").read_bytes(), before)
        self.assertFalse((self.dist / "left-over.uf2").exists())

    def test_notes_name_the_commit_each_file_and_each_speed(self):
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=self.trees[0], check=True, capture_output=True, text=True).stdout
        notes = (self.dist / "RELEASE.md").read_text()
        self.assertIn(f"Commit {commit[:12]}.", notes)
        for file in self.dist.iterdir():
            if file.is_file() and file.name not in ("RELEASE.md", "SHA256SUMS"):
                self.assertIn(f"| {file.name} | {file.stat().st_size:,} |", notes)
        self.assertEqual(len(re.findall(r"-story\.uf2 \| [\d,]+ \| \d+ tokens, [\d.]+ tok/s \|", notes)), len(BOARDS))

    def test_sbom_is_whole(self):
        document = json.loads((self.dist / f"pico-llama-{self.version}.spdx.json").read_text())
        packages = {package["SPDXID"]: package for package in document["packages"]}
        for package in packages.values():
            self.assertRegex(package["versionInfo"], r"^\d", package["name"])
        held = {}
        for relation in document["relationships"]:
            if relation["relationshipType"] == "CONTAINS":
                held.setdefault(packages[relation["spdxElementId"]]["name"], set()).add(
                    packages[relation["relatedSpdxElement"]]["name"])
        # Against the imports of the page's sources from npm, and the libraries that the .deb needs.
        imported = set()
        for source in (ROOT / "web/src").glob("*.ts"):
            imported |= set(re.findall(r"from '([^.'][^':]*)'", source.read_text()))
        self.assertTrue(imported)
        self.assertLessEqual(imported, held["pico-llama-page"])
        deb = next(self.dist.glob("*.deb"))
        needs = subprocess.run(["dpkg-deb", "-f", deb, "Depends"], check=True, capture_output=True, text=True).stdout
        for package in re.findall(r"(\S+) \(", needs):
            library = re.sub(r"-?[\d.]+(t64)?$", "", package)
            if library not in ("libc", "libgcc-s", "libstdc++"):
                self.assertIn(f"{library}-dev", held["pico-llama-command"])

    def test_no_path_of_this_machine(self):
        for tree in self.trees:
            for file in (tree / "dist").rglob("*"):
                if file.is_file():
                    self.assertNotIn(str(tree).encode(), file.read_bytes(), file.name)

    def test_each_uf2_boots(self):
        command = self.trees[0] / "build/host/tools/pico-llama"
        for name, kind in BOARDS.items():
            file = self.dist / f"pico-llama-{name}-{self.version}"
            for suffix, typed, expected in (("", "", "model   none"), ("-story", "Once upon a time", "tok/s")):
                with self.subTest(name + suffix):
                    told = subprocess.run([command, "simulate", f"{file}{suffix}.uf2", "--board", kind, "--send", typed,
                                           "--expect", expected, "--max-seconds", "60"], capture_output=True, text=True)
                    self.assertEqual(told.returncode, 0, told.stdout + told.stderr)

    def test_package_and_npm_tarball(self):
        unpacked = self.trees[0] / "unpacked"
        subprocess.run(["dpkg-deb", "-x", next(self.dist.glob("*.deb")), unpacked], check=True)
        environment = {**os.environ, "PICO_LLAMA": str(unpacked / "usr/bin/pico-llama"), "PICO_LLAMA_PAGE": str(self.dist / "page"),
                       "PICO_LLAMA_TARBALL": str(self.dist / f"pico-llama-{self.version}.tgz")}
        subprocess.run(["node", ROOT / "web/test/npm_test.mjs"], check=True, env=environment)


class Refusals(unittest.TestCase):
    """Before anything is built."""

    def refused(self, folder, **environment):
        inherited = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
        run = subprocess.run([folder / "scripts/release.sh"], capture_output=True, text=True, env={**inherited, **environment})
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
        return run.stderr

    def test_a_date_that_is_none(self):
        self.assertIn("SOURCE_DATE_EPOCH is 'today'", self.refused(ROOT, SOURCE_DATE_EPOCH="today"))

    def test_without_git_or_dpkg(self):
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            shutil.copytree(ROOT / "scripts", scratch / "scripts")
            self.assertIn("set SOURCE_DATE_EPOCH", self.refused(scratch, GIT_CEILING_DIRECTORIES=str(scratch.parent)))
            for program in ("bash", "dirname"):
                (scratch / program).symlink_to(shutil.which(program))
            self.assertIn("made on Debian", self.refused(scratch, PATH=str(scratch)))


if __name__ == "__main__":
    for need in (ROOT / ".deps/pico-sdk", ROOT / "web/node_modules/esbuild"):
        if not need.exists():
            skip(f"{need.relative_to(ROOT)} is missing: scripts/setup.sh --tests")
    unittest.main()
