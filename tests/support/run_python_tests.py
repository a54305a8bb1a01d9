#!/usr/bin/env python3
"""Runs a file of unittest cases, the way ctest does (cmake/house.cmake, pico_llama_python_tests).

run_python_tests.py FILE                      all of it
run_python_tests.py FILE Class.method         one of them
run_python_tests.py FILE --list               one line a test: its name, then its labels (`long`, `sanitized`)
Exit 0: passed, 1: failed, 77: skipped; what is missing is printed.
"""
import importlib.util
import os
import pathlib
import sys
import unittest

SUPPORT = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(SUPPORT))
import virtual_board  # noqa: E402


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


class Result(unittest.TextTestResult):
    """A model or build that is missing skips the test that wants it."""

    def addError(self, test, error):
        if isinstance(error[1], virtual_board.Missing):
            self.addSkip(test, str(error[1]))
        else:
            super().addError(test, error)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print("skipped:", reason)


def main():
    path = pathlib.Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(path.parent))
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    loader = unittest.TestLoader()
    if sys.argv[2:] == ["--list"]:
        for test in flatten(loader.loadTestsFromModule(module)):
            method = getattr(test, test._testMethodName)
            print(f"{type(test).__name__}.{test._testMethodName}", *sorted(getattr(method, "labels", ())))
        return 0
    suite = loader.loadTestsFromNames(sys.argv[2:], module) if sys.argv[2:] else loader.loadTestsFromModule(module)
    os.chdir(virtual_board.ROOT)
    result = unittest.TextTestRunner(resultclass=Result, verbosity=2).run(suite)
    if not result.wasSuccessful():
        return 1
    return 77 if result.skipped or result.testsRun == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
