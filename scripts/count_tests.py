#!/usr/bin/env python3
"""Sums up a folder of ctest JUnit reports (*.xml) and build steps (*.step, one word: pass or fail).

    count_tests.py FOLDER [--no-skips]

Names each test that failed, and each that was skipped with its reason, which is said once where many share it: FOLDER/skipped
has all their names. Ends with `N passed, N failed, N skipped`.
Exit 1 if anything failed, if a report that was due is missing or, with --no-skips, if anything was skipped for
another reason than the processor of this machine, or a chip's boot ROM, which nobody may pass on.
"""
import argparse
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

DUE = ["host.xml", "host-asan.xml"]
# ctest's message about a test that ran and chose to skip. Anything else that was not run (a program that was not
# built, a fixture that failed) is a failure.
CHOSEN = ("SKIP_RETURN_CODE", "SKIP_REGULAR_EXPRESSION")
# No setup can change them, so --no-skips allows them.
UNAVOIDABLE = ("this CPU lacks", "names no boot ROM image")

# So many tests with one reason are named each.
FEW = 5


def chose_to_skip(case: ElementTree.Element) -> bool:
    skipped = case.find("skipped")
    return skipped is not None and any(word in skipped.get("message", "") for word in CHOSEN)


def reason(case: ElementTree.Element) -> str:
    """The line that a Python test begins with `skipped:`, or the line after GoogleTest's `Skipped`."""
    output = case.findtext("system-out") or ""
    found = re.search(r"^skipped: (.+)$", output, re.MULTILINE) or re.search(r": Skipped\n(.+)$", output, re.MULTILINE)
    return found[1].strip() if found else "no reason given"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--no-skips", action="store_true")
    arguments = parser.parse_args()
    passed, failed, skipped = 0, [], []
    for step in sorted(arguments.folder.glob("*.step")):
        if step.read_text().strip() == "pass":
            passed += 1
        else:
            failed.append(f"{step.stem} (see {step.with_suffix('.log')})")
    for name in DUE:
        report = arguments.folder / name
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
                skipped.append((label, reason(case)))
            elif status == "run" and case.find("failure") is None:
                passed += 1
            else:
                failed.append(label)
    names = arguments.folder / "skipped"
    names.write_text("".join(f"{label}: {why}\n" for label, why in skipped))
    for why in dict.fromkeys(why for _, why in skipped):
        labels = [label for label, other in skipped if other == why]
        if len(labels) > FEW:
            labels = [f"{len(labels)} tests, listed in {names}"]
        for label in labels:
            print(f"skipped: {label}: {why}")
    avoidable = [label for label, why in skipped if not any(words in why for words in UNAVOIDABLE)]
    for label in failed:
        print(f"FAILED: {label}")
    if arguments.no_skips and avoidable:
        print(f"FAILED: --no-skips, and {len(avoidable)} tests were skipped")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or (arguments.no_skips and avoidable) else 0


if __name__ == "__main__":
    sys.exit(main())
