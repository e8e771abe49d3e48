"""What all tests share: surroundings of their own, a check that they leave nothing, lines for the summary."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.deaths import Deaths
from tests.reliability import figures
from tests.reliability.figures import Tally

LINE, FIGURE = "report_line", "figure"
TEMPORARY = ".coma-tmp-*"

# Processes that outlive a test on purpose: multiprocessing keeps one of them for the whole session.
LASTING = ("resource_tracker", "forkserver")

PATIENCE = 5.0  # seconds for threads and processes that are about to end
AT_FULL_SIZE = 4 * 3600  # seconds for a test, which are only to end one that hangs


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--ci", action="store_true", help="also run the longer suites")
    parser.addoption("--full", action="store_true", help="also run the longer suites, each at full size")
    parser.addoption(
        "--figures",
        nargs="?",
        const=figures.PAGE,
        help="write what was counted into the table of a page, by default docs/promises.md",
    )


class Summary:
    """Print the lines and figures that tests reported, at the end, also when xdist ran them elsewhere."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.figures: dict[str, list[int]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "teardown":
            return
        self.lines += [str(text) for name, text in report.user_properties if name == LINE]
        for name, figure in report.user_properties:
            if name == FIGURE:
                kind, tried, held = figure
                total = self.figures.setdefault(kind, [0, 0])
                total[:] = total[0] + tried, total[1] + held

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.lines or self.figures:
            terminalreporter.section("reported by tests")
            for line in self.lines:
                terminalreporter.write_line(line)
            for kind, (tried, held) in sorted(self.figures.items()):
                terminalreporter.write_line(f"{kind}: {held:,} of {tried:,} held")
        path = terminalreporter.config.getoption("--figures")
        if path and self.figures:
            tier = "full" if terminalreporter.config.getoption("--full") else "ci"
            figures.update(Path(path), tier, self.figures)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Summary())
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A suite started in the background ignores Ctrl-C, and so would the processes that its tests interrupt.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # The same examples every time, so that a run does not fail by chance; --full looks for new ones.
    slow = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    settings.register_profile("new examples", **slow)
    settings.register_profile("same examples", derandomize=True, **slow)
    settings.load_profile("new examples" if config.getoption("--full") else "same examples")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what was not asked for: benchmarks, the longer suites, and tests at full size."""
    asked = config.getoption("benchmark_only", default=False)
    full = config.getoption("--full")
    longer = full or config.getoption("--ci")
    wanted, unwanted = [], []
    for item in items:
        is_benchmark = "benchmark" in getattr(item, "fixturenames", ())
        skipped = (
            (is_benchmark and not asked)
            # Keywords are names of directories too.
            or (item.get_closest_marker("full") and not full)
            or (item.get_closest_marker("ci") and not longer)
        )
        if full:
            item.add_marker(pytest.mark.timeout(AT_FULL_SIZE), append=False)
        (unwanted if skipped else wanted).append(item)
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        items[:] = wanted


@pytest.fixture(autouse=True)
def figures_are_closed() -> Iterator[None]:
    """Close the figures of pyplot that a test leaves open, which are shared by all tests of a process."""
    yield
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


@pytest.fixture
def report_line(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """A function; the lines given to it are printed in pytest's summary."""
    return lambda text: request.node.user_properties.append((LINE, text))


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Tally]]:
    """A function; of the kind of case given to it, it counts the cases tried and those that held."""
    tallies: list[Tally] = []

    def start(kind: str) -> Tally:
        tallies.append(Tally(kind))
        return tallies[-1]

    yield start
    for tally in tallies:
        request.node.user_properties.append((FIGURE, (tally.kind, tally.tried, tally.held)))
    for tally in tallies:
        tally.check()


@pytest.fixture
def experiment_path(tmp_path: Path) -> Path:
    """Where an experiment may be made; nothing is there yet."""
    return tmp_path / "experiment"


@pytest.fixture(autouse=True)
def empty_configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration directory of the test: empty, whatever the user has."""
    directory = tmp_path_factory.mktemp("configuration")
    monkeypatch.setenv("COMA_CONFIG_DIR", str(directory))
    return directory


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread, a process or a temporary file behind."""
    # Pytest takes them away when Ctrl-C ends the test.
    before, arguments = leftovers(), request.node.funcargs
    yield
    deadline = time.monotonic() + PATIENCE
    while (left := leftovers() - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left, f"the test left behind: {', '.join(sorted(left))}"
    directory = arguments.get("tmp_path")
    if directory and not request.node.get_closest_marker("leaves_files"):
        files = sorted(str(path.relative_to(directory)) for path in directory.rglob(TEMPORARY))
        assert not files, f"the test left temporary files behind: {', '.join(files)}"


def leftovers() -> set[str]:
    """Return the names of the threads and child processes that there are."""
    threads = {f"thread {thread.name}" for thread in threading.enumerate()}
    return threads | {f"process {pid} ({command})" for pid, command in children()}


def children() -> Iterator[tuple[str, str]]:
    for tasks in Path("/proc/self/task").glob("*/children"):
        try:
            pids = tasks.read_text().split()
        except OSError:  # the thread ended
            continue
        for pid in pids:
            command = command_of(pid)
            if not any(name in command for name in LASTING):
                yield pid, command


def command_of(pid: str) -> str:
    try:
        return Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:  # the process ended
        return "ended"


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> Deaths:
    return Deaths(monkeypatch)


@pytest.fixture
def quick_path(tmp_path: Path) -> Iterator[Path]:
    """An empty directory in memory where there is such a thing; kills, other than power cuts, are the same there."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as directory:
        yield Path(directory)


os.environ.setdefault("MPLBACKEND", "Agg")
