"""The line at the end that says how many inputs the fuzzers tried."""

from fuzzing import COUNTS


def pytest_terminal_summary(terminalreporter):
    failed = sum("tests/fuzz/" in report.nodeid for report in terminalreporter.stats.get("failed", []))
    if COUNTS["inputs"]:
        terminalreporter.write_line(
            f"fuzz: {COUNTS['inputs']:,} inputs tried, {COUNTS['refused']:,} of them refused with a documented error, "
            f"{failed} tests with undocumented exceptions"
        )
