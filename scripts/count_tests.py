#!/usr/bin/env python3
"""Sums up a folder of ctest JUnit reports (*.xml) and build steps (*.step, one word: pass or fail).

Lists failed and skipped tests and ends with `N passed, N failed, N skipped`. Exit 1: something failed, or an expected report
is missing.
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

DUE = ["host.xml", "host-asan.xml"]
# ctest's words for a test that ran and skipped itself. Any other reason for not running (a program that was not built, a
# fixture that failed) is a failure.
CHOSEN = ("SKIP_RETURN_CODE", "SKIP_REGULAR_EXPRESSION")


def chose_to_skip(case: ElementTree.Element) -> bool:
    skipped = case.find("skipped")
    return skipped is not None and any(word in skipped.get("message", "") for word in CHOSEN)


def main(folder: pathlib.Path) -> int:
    passed, failed, skipped = 0, [], []
    for step in sorted(folder.glob("*.step")):
        if step.read_text().strip() == "pass":
            passed += 1
        else:
            failed.append(f"{step.stem} (see {step.with_suffix('.log')})")
    for name in DUE:
        report = folder / name
        if not report.exists():
            failed.append(f"{name}: no tests ran")
            continue
        cases = list(ElementTree.parse(report).getroot().iter("testcase"))
        if not cases:
            failed.append(f"{name}: no tests ran")
        for case in cases:
            label = f"{report.stem}: {case.get('name')}"
            status = case.get("status")
            if chose_to_skip(case):
                skipped.append(label)
            elif status == "run" and case.find("failure") is None:
                passed += 1
            else:
                failed.append(label)
    for label in skipped:
        print(f"skipped: {label}")
    for label in failed:
        print(f"FAILED: {label}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
