"""Runs modules of Python's own test suite in this process; says what did not pass, and why."""

import random
import sys
import unittest

from test import support

support.verbose = False


def last_line(text):
    return text.strip().splitlines()[-1] if text else ""


for module in sys.argv[1:]:
    random.seed(1)
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromName(f"test.{module}").run(result)
    for word, ends in (
        ("skipped", result.skipped),
        ("FAILED", result.failures),
        ("ERROR", result.errors),
        ("expected failure", result.expectedFailures),
        ("UNEXPECTED SUCCESS", [(test, "") for test in result.unexpectedSuccesses]),
    ):
        for test, why in ends:
            print(word, test.id(), "|", last_line(why))
    print(module, result.testsRun, "tests")
