"""Suite R: a real process that works on an experiment is killed at random times; nothing acknowledged is lost.

What must be there is known outside: the process says what it begins and what is done, and the test keeps the account.
"""

from __future__ import annotations

import random
import signal
import time

import pytest

from coma_xr.store.place import ExperimentDirectory

pytestmark = pytest.mark.ci

WORKER = """
    import itertools, random, sys
    from coma_xr.store.place import ExperimentDirectory
    from coma_xr.encoding import json

    path, seed = sys.argv[1], int(sys.argv[2])
    chance = random.Random(seed)

    def say(*words):
        sys.stdout.write(" ".join(map(str, words)) + "\\n")
        sys.stdout.flush()

    place = ExperimentDirectory(path, config={})
    say("ready")
    values = itertools.count(seed * 1_000_000)
    while True:
        if not place.look().active:
            say("begin", "activate")
            place.activate()
            say("done")
        with place.running(), place.saving("auto") as saver:
            id = place.look().next_id()
            for _ in range(chance.randrange(1, 12)):
                value = next(values)
                text = "x" * chance.choice([1, 300, 100_000])
                say("begin", "add", value)
                rest = json.encode_rest({"results": {"value": value, "text": text}})
                id = saver.add({}, rest, id=id, seconds=chance.choice([0.0, 1.0])) + 1
                say("done", id - 1)
            place.write_index()
        operation = chance.choice(["deactivate", "deactivate", "reset", "nothing"])
        if operation != "nothing":
            say("begin", operation)
            getattr(place, operation)()
            say("done")
"""


class Account:
    """What the experiment must hold, by what the process said."""

    def __init__(self) -> None:
        self.values: dict[int, int] = {}
        self.begun: list[str] = []
        self.operations = 0

    def hear(self, line: str) -> None:
        word, *more = line.split()
        if word == "begin":
            self.begun = more
        elif word == "done":
            self.operations += 1
            if self.begun[0] == "add":
                self.values[int(more[0])] = int(self.begun[1])
            elif self.begun[0] == "reset":
                self.values = {}
            self.begun = []

    def settle(self, found: dict[int, int]) -> None:
        """Check what was found after a kill, and take it for what must be there from now on."""
        more = {id: value for id, value in found.items() if id not in self.values}
        if self.begun[:1] == ["reset"]:
            assert found in ({}, self.values)
        else:
            assert {id: found.get(id) for id in self.values} == self.values
            expected = [[], [int(self.begun[1])]] if self.begun[:1] == ["add"] else [[]]
            assert list(more.values()) in expected
        self.values, self.begun = found, []


@pytest.mark.leaves_files
def test_random_kills_of_a_real_process_lose_nothing(quick_path, child, request, report_line):
    kills = 500 if request.config.getoption("--full") else 20
    path, account = quick_path / "experiment", Account()
    chance = random.Random(20261122)
    for number in range(1, kills + 1):
        process = child(WORKER, path, number)
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        time.sleep(chance.uniform(0, 0.25))
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:
            # The last one may have been cut off in the pipe.
            if line.endswith("\n"):
                account.hear(line)
        assert process.wait() == -signal.SIGKILL, process.stderr.read()
        place = ExperimentDirectory(path, config={}, mode="r")
        found = {id: tree["results"]["value"] for id, tree in place.look().measurements.trees()}
        assert place.look().measurements.problems == []
        account.settle(found)
    assert account.operations > kills
    report_line(
        f"random kills of a real process (R): {kills} of {kills} survived, {account.operations} operations done"
    )
