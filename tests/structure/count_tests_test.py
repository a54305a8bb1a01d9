"""`./test.sh`'s count: each skip with its reason, and --no-skips."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

COUNT = pathlib.Path(__file__).resolve().parents[2] / "scripts/count_tests.py"
PASSED = '<testcase name="a" status="run"><system-out>fine</system-out></testcase>'
FAILED = '<testcase name="b" status="fail"><failure message=""/><system-out/></testcase>'
NOT_BUILT = '<testcase name="c" status="notrun"><skipped message="Unable to find executable"/></testcase>'
PYTHON_SKIP = ('<testcase name="d" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>'
               "<system-out>skipped: no x.bin here\nran</system-out></testcase>")
GTEST_SKIP = ('<testcase name="e" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>'
              "<system-out>[ RUN ] E\na.cpp:3: Skipped\n{why}\n\n[  SKIPPED ] E</system-out></testcase>")


class CountTests(unittest.TestCase):
    def count(self, host, *options, asan=PASSED):
        with tempfile.TemporaryDirectory() as folder:
            for name, cases in (("host", host), ("host-asan", asan)):
                if cases is not None:
                    pathlib.Path(folder, f"{name}.xml").write_text(f"<testsuite>{cases}</testsuite>")
            run = subprocess.run([sys.executable, COUNT, folder, *options], capture_output=True, text=True)
            self.named = pathlib.Path(folder, "skipped").read_text().splitlines()
        return run.returncode, run.stdout.splitlines()

    def test_passed_and_failed(self):
        self.assertEqual(self.count(PASSED), (0, ["2 passed, 0 failed, 0 skipped"]))
        code, lines = self.count(PASSED + FAILED + NOT_BUILT)
        self.assertEqual((code, lines), (1, ["FAILED: host: b", "FAILED: host: c", "2 passed, 2 failed, 0 skipped"]))

    def test_a_report_without_tests_is_a_failure(self):
        self.assertEqual(self.count(PASSED, asan=None)[0], 1)
        self.assertEqual(self.count(PASSED, asan="")[0], 1)

    def test_each_skip_has_its_reason(self):
        code, lines = self.count(PASSED + PYTHON_SKIP + GTEST_SKIP.format(why="y.bin is absent"))
        self.assertEqual(code, 0)
        self.assertEqual(lines, ["skipped: host: d: no x.bin here", "skipped: host: e: y.bin is absent",
                                 "2 passed, 0 failed, 2 skipped"])

    def test_a_reason_of_many_is_said_once(self):
        many = "".join(GTEST_SKIP.format(why="no image").replace('"e"', f'"e{i}"') for i in range(6))
        code, lines = self.count(PASSED + many + PYTHON_SKIP)
        self.assertEqual(code, 0)
        self.assertRegex(lines[0], "^skipped: 6 tests, listed in .*/skipped: no image$")
        self.assertEqual(lines[1:], ["skipped: host: d: no x.bin here", "2 passed, 0 failed, 7 skipped"])
        self.assertEqual(self.named, [*(f"host: e{i}: no image" for i in range(6)), "host: d: no x.bin here"])

    def test_no_skips_makes_a_skip_a_failure_unless_the_processor_is_the_reason(self):
        self.assertEqual(self.count(PASSED + PYTHON_SKIP, "--no-skips")[0], 1)
        code, lines = self.count(PASSED + GTEST_SKIP.format(why="not compared, because this CPU lacks them: avx512"), "--no-skips")
        self.assertEqual(code, 0)
        self.assertIn("2 passed, 0 failed, 1 skipped", lines)
        code, _ = self.count(PASSED + GTEST_SKIP.format(why="PICO_LLAMA_BOOT_ROM names no boot ROM image"), "--no-skips")
        self.assertEqual(code, 0)
