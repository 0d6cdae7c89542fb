"""What holds for every test: in CI a test that skips is a failure, so that a missing package cannot hide one."""

import os


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    """Say which tests skipped, and why, in one line each."""
    if os.environ.get("CI") == "true":
        for report in terminalreporter.stats.get("skipped", ()):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            terminalreporter.write_line(f"SKIPPED in CI: {report.nodeid}: {reason}", red=True)


def pytest_sessionfinish(session, exitstatus):
    """Exit 1 where a test skipped in CI. Only the process that reports knows all of them."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = 1
