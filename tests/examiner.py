"""A process that opens bad files, with little memory and time, and tells what became of each.

`examine` starts it; it gets cases as lines of JSON, and answers with a line for each. What an answer may be is
checked in the process: a value, one of our errors, or warnings of ours, of which one names the file.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["ROOT", "Case", "Report", "examine"]

ROOT = Path(__file__).parents[1]

# So many files are opened by one process, or only decoded.
BATCH = {False: 1_000, True: 20_000}

MEMORY = 2 * 2**30  # bytes of addresses
SECONDS = 10  # of one core, for each call


class Case(NamedTuple):
    """One bad file among good ones.

    Parameters
    ----------
    name : str
        What it is called in a report.
    files : dict of str to bytes
        By name; the first is the bad one, the others lie beside it. Of a text that begins with ``link:`` a symbolic link is made.
    how : {"text", "experiment", "repair"}
        Only decode the text, read the whole experiment, or mend it too.
    """

    name: str
    files: Mapping[str, bytes]
    how: str = "experiment"


class Report(NamedTuple):
    """What became of all cases: how often each outcome was, the most memory [bytes] and time [s] that one took."""

    outcomes: Counter[str]
    memory: int
    seconds: float

    def __str__(self) -> str:
        total = sum(self.outcomes.values())
        said = ", ".join(f"{count:,} {outcome}" for outcome, count in self.outcomes.most_common())
        return f"{total:,} files ({said}); at most {self.memory / 2**20:.0f} MiB and {self.seconds:.1f} s of one core"


def examine(cases: Iterable[Case], only: str = "") -> Report:
    """Open all cases in child processes; AssertionError with the names of those that broke a promise.

    Parameters
    ----------
    cases : iterable of Case
        What to open.
    only : str, optional
        What alone may come of them: "value" or "DataFileError".
    """
    outcomes: Counter[str] = Counter()
    broken, memory, seconds = [], 0, 0.0
    cases = list(cases)
    only_text = all(case.how == "text" for case in cases)
    for start in range(0, len(cases), BATCH[only_text]):
        batch = cases[start : start + BATCH[only_text]]
        for case, answer in zip(batch, _answers(batch), strict=True):
            memory, seconds = max(memory, answer["memory"]), max(seconds, answer["seconds"])
            outcomes[answer["outcome"]] += 1
            if only and answer["outcome"] != only:
                broken.append(f"{case.name}: {answer['outcome']}, {answer['broken']}")
            elif answer["broken"]:
                broken.append(f"{case.name}: {answer['broken']}")
    assert not broken, f"{len(broken)} of {len(cases)}:\n" + "\n".join(broken[:20])
    return Report(outcomes, memory, seconds)


def _answers(batch: list[Case]) -> list[dict[str, Any]]:
    """Return an answer for each case; a process that dies answers for the one that killed it."""
    answers: list[dict[str, Any]] = []
    while len(answers) < len(batch):
        lines = [json.dumps([case.name, _packed(case.files), case.how]) for case in batch[len(answers) :]]
        done = subprocess.run(
            [sys.executable, "-m", "tests.examiner", *{case.how for case in batch}],
            input="\n".join(lines),
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        answers += [json.loads(line) for line in done.stdout.splitlines()]
        if len(answers) < len(batch):
            text = f"the process ended with {done.returncode}: {done.stderr[-300:]}"
            answers.append({"outcome": "death", "broken": text, "memory": 0, "seconds": 0.0})
    return answers


def _packed(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(data).decode() for name, data in files.items()}


def _unpacked(files: Mapping[str, str]) -> dict[str, bytes]:
    return {name: base64.b64decode(text) for name, text in files.items()}


# ------------------------------------------------------------------------------------- in the process


class TooSlow(BaseException):
    """A case took more time than it may."""


def main() -> None:
    if set(sys.argv[1:]) != {"text"}:
        # What reading may load is there before memory is short.
        import matplotlib.figure  # noqa: F401

        import coma_xr.experiment
        import coma_xr.retrieve.dataframe
        import coma_xr.retrieve.dataset  # noqa: F401

    def too_slow(*_: object) -> None:
        raise TooSlow

    signal.signal(signal.SIGPROF, too_slow)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    out = os.fdopen(os.dup(1), "w")
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    for line in sys.stdin:
        name, files, how = json.loads(line)
        with tempfile.TemporaryDirectory(dir=memory) as directory:
            answer = _case(Path(directory), _unpacked(files), how)
        out.write(json.dumps({"name": name, **answer}) + "\n")
        out.flush()


def _case(directory: Path, files: Mapping[str, bytes], how: str) -> dict[str, Any]:
    _forget_most()
    start, before = time.process_time(), _size("VmRSS")
    try:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        outcome, broken = _outcome(directory, files, how), ""
    except TooSlow:
        outcome, broken = "timeout", f"took more than {SECONDS} s: {traceback.format_exc()[-600:]}"
    except Exception as error:  # noqa: BLE001  whatever it is, it is the answer
        last = traceback.format_exception(error)[-2:]
        outcome, broken = type(error).__name__, "".join(last)[-800:]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return {
        "outcome": outcome,
        "broken": broken,
        "memory": max(0, _size() - before),
        "seconds": time.process_time() - start,
    }


def _size(what: str = "VmHWM") -> int:
    """Return the most memory that this process had since `_forget_most`, or has now ("VmRSS") [bytes]."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return 1024 * int(line.split()[1])
    raise AssertionError(f"Linux does not tell {what}")


def _forget_most() -> None:
    """What getrusage tells would be that of the parent, before this process was one of its own."""
    Path("/proc/self/clear_refs").write_text("5")


def _outcome(directory: Path, files: Mapping[str, bytes], how: str) -> str:
    bad = next(iter(files))
    if how == "text":
        return _text(bad, files[bad])
    for name, data in files.items():
        if data.startswith(b"link:"):
            (directory / name).symlink_to(data.removeprefix(b"link:").decode())
        else:
            (directory / name).write_bytes(data)
    good = any(name.startswith("measurement.000001.") for name in files)
    before = _snapshot(directory)
    outcome = _read(directory, bad, good)
    assert _snapshot(directory) == before, "reading wrote something"
    if how == "repair":
        _repair(directory, bad, good)
    return outcome


def _snapshot(directory: Path) -> dict[str, bytes]:
    return {
        path.name: os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        for path in directory.iterdir()
    }


def _text(name: str, data: bytes) -> str:
    """Decode one text, and make the values of its tree."""
    from coma_xr.encoding.formats import JSON, format_of
    from coma_xr.errors import DataFileError
    from coma_xr.store.documents import unpack
    from coma_xr.values.plain import from_plain

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            packed = name.endswith(".gz")
            text = unpack(data, 2**20) if packed else data
            from_plain((format_of(name.removesuffix(".gz")) or JSON).decode(text))
            outcome = "value"
        except DataFileError as error:
            _sound(str(error))
            outcome = "DataFileError"
    _check_warnings(caught, None)
    return outcome


def _sound(text: str) -> None:
    """Check that a message can be read."""
    assert text, "a message without words"
    assert len(text) < 2_000, f"a message of {len(text)} characters: {text[:200]}"


def _check_warnings(caught: list[warnings.WarningMessage], bad: str | None) -> int:
    """Check that all warnings are ours; return how many of them name the file."""
    from coma_xr.errors import ComaWarning

    for warning in caught:
        assert issubclass(warning.category, ComaWarning), f"{warning.category.__name__}: {warning.message}"
        _sound(str(warning.message))
    return sum(bad is not None and bad in str(warning.message) for warning in caught)


class _Reader:
    """Calls the public functions one by one, and collects what they say."""

    def __init__(self, bad: str) -> None:
        self.bad = bad
        self.errors: list[Exception] = []
        self.named = 0

    def call(self, function: Callable[[], Any]) -> Any:
        from coma_xr.errors import ComaError, DataFileError

        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = None
            try:
                value = function()
            except ComaError as error:
                _sound(str(error))
                if isinstance(error, DataFileError):
                    self._check_name(str(error))
                self.errors.append(error)
        named = _check_warnings(caught, self.bad)
        assert named <= 1, [str(warning.message) for warning in caught]
        self.named += named
        return value

    def _check_name(self, text: str) -> None:
        assert self.bad in text or "easurement" in text or "failure" in text, f"which file? {text}"


def _read(directory: Path, bad: str, good: bool) -> str:
    """Read everything that there is in an experiment."""
    import coma_xr as coma

    reader = _Reader(bad)
    e = reader.call(lambda: coma.Experiment(directory, "r"))
    if e is None:
        return type(reader.errors[0]).__name__
    measurements = reader.call(lambda: list(e.measurements()))
    assert measurements is not None, f"no measurement is returned: {reader.errors}"
    assert not good or 1 in [m.id for m in measurements], "a good measurement is lost"
    for m in measurements:
        reader.call(lambda m=m: m.tree)
        reader.call(lambda m=m: (repr(m), str(m), m.paths()))
    reader.call(lambda: repr(e.to_dataset()))
    reader.call(lambda: repr(e.to_dataset(layout="points")))
    reader.call(lambda: repr(e.to_dataframe()))
    reader.call(lambda: repr(e.paths()))
    reader.call(lambda: repr(e.failures()))
    for name in ("__repr__", "__str__", "_repr_html_", "status", "missing"):
        reader.call(getattr(e, name))
    reader.call(lambda: (repr(e.annotations), e.description, e.tags))
    findings = reader.call(lambda: [str(finding) for finding in e.verify()])
    assert findings is not None, f"verify() fails: {reader.errors[-1]}"
    for text in findings:
        _sound(text)
    if reader.errors:
        return type(reader.errors[0]).__name__
    return "warning" if reader.named else "value"


def _repair(directory: Path, bad: str, good: bool) -> None:
    """Mend what can be mended; what was good stays."""
    import coma_xr as coma

    reader = _Reader(bad)
    before = reader.call(lambda: coma.Experiment(directory, "r"))
    if before is None:
        return
    wanted = {m.id: m for m in reader.call(lambda: list(before.measurements()))}
    e = coma.Experiment(directory)
    reader.call(lambda: e.verify(repair=True))
    found = {m.id: m for m in coma.Experiment(directory, "r").measurements()}
    assert found.keys() >= wanted.keys(), f"mending lost {wanted.keys() - found.keys()}"
    again = [str(finding) for finding in e.verify() if finding.repair]
    assert not again, f"not mended: {again}"


if __name__ == "__main__":
    main()
