"""Settings of the test tools that hold for every test."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from service.catalog.catalog import Catalog
from tests.support.commands import Run, commands_in
from tests.support.databases import Databases, SqliteDatabases
from tests.support.ledger import Ledger, ledger_in
from tests.support.postgres import PostgresDatabases, postgres_databases

# in the background, shells have programs ignore Ctrl-C, and those would pass that on to all that the tests start
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# shared machines stall now and then: a slow example is no finding
settings.register_profile("darkroom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("darkroom")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresDatabases]:
    """One server for the session."""
    with postgres_databases() as databases:
        yield databases


@pytest.fixture
def databases(tmp_path: Path) -> Databases:
    """Where new databases come from; folders whose tests run on both kinds have a fixture of their own."""
    return SqliteDatabases(tmp_path)


@pytest.fixture
def catalog(databases: Databases) -> Iterator[Catalog]:
    """A catalog that is open."""
    opened = Catalog(databases.new())
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Runs commands on the data directory in `tmp_path`."""
    with commands_in(tmp_path) as commands:
        yield commands


@pytest.fixture
async def ledger(databases: Databases) -> AsyncIterator[Ledger]:
    """A ledger whose provider key has been seen to work."""
    with ledger_in(databases) as opened:
        await opened.prove_key()
        yield opened


def pytest_xdist_auto_num_workers() -> int:
    """What `-n auto` means: twice the processors, as half of the time tests wait for disks and other processes."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for a server of databases is long: it takes seconds to come up, in each worker."""
    for item in items:
        if not {"postgres", "postgres_server"}.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.long)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nothing-skipped", action="store_true", help="fail when any test was skipped")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name what was skipped, so that a green run hides nothing."""
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        terminalreporter.write_line(f"skipped: {report.nodeid} ({reason})")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--nothing-skipped") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
