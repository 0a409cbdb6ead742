#!/usr/bin/env python3
"""Prints the tests that failed in JUnit reports of ctest, each with the end of
its output: what somebody who sees only the end of a log needs.

usage: failed_tests.py REPORT...
"""
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

LAST_LINES = 60  # of each test


def failed_tests(report):
    """(name, output) of each test that failed or could not be started."""
    for case in xml.parse(report).getroot().iter("testcase"):
        missing = case.find("skipped")
        if case.get("status") == "fail" or (
                missing is not None and
                missing.get("message", "").startswith("Unable to find")):
            yield case.get("name"), case.findtext("system-out", default="")


def main(reports):
    for report in map(Path, reports):
        for name, output in failed_tests(report):
            lines = output.splitlines()
            print(f"\n== failed in {report.parent.name}: {name}")
            if len(lines) > LAST_LINES:
                print(f"   [{len(lines) - LAST_LINES} lines before]")
            print("\n".join(lines[-LAST_LINES:]))


if __name__ == "__main__":
    main(sys.argv[1:])
