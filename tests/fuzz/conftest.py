"""The line at the end that says how many inputs the fuzzers tried."""

import pytest
from fuzzing import COUNTS


def pytest_sessionfinish(session):
    # one of several processes of pytest-xdist: hand the counts to the one that reports
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["fuzz"] = dict(COUNTS)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    for name, count in getattr(node, "workeroutput", {}).get("fuzz", {}).items():
        COUNTS[name] += count


def pytest_terminal_summary(terminalreporter):
    failed = sum("tests/fuzz/" in report.nodeid for report in terminalreporter.stats.get("failed", []))
    if COUNTS["inputs"]:
        terminalreporter.write_line(
            f"fuzz: {COUNTS['inputs']:,} inputs tried, {COUNTS['refused']:,} of them refused with a documented error, "
            f"{failed} tests with undocumented exceptions"
        )
