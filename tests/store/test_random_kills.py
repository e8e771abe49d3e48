"""Suite R: a real process that works on an experiment is killed at random times; nothing acknowledged is lost.

What must be there is known outside: the process says what it begins and what is done, and the test keeps the account.
"""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from coma_xr.store.place import ExperimentDirectory

pytestmark = pytest.mark.ci

# Imports once, and begins a process for each seed that it reads.
NURSERY = """
    import itertools, os, random, sys
    from coma_xr.store.place import ExperimentDirectory
    from coma_xr.encoding import json

    path = sys.argv[1]

    def say(*words):
        # In one write, so that a kill does not cut it.
        os.write(1, (" ".join(map(str, words)) + "\\n").encode())

    def work(seed):
        chance = random.Random(seed)
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

    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            work(int(line))
        say("pid", pid)
        status = os.waitpid(pid, 0)[1]
        say("ended", os.waitstatus_to_exitcode(status))
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


# Parts that can be tried at the same time, and kills in each.
PARTS = 4
IN_CI, IN_FULL = 10, 2500


@pytest.mark.leaves_files
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("part", range(PARTS))
def test_random_kills_of_a_real_process_lose_nothing(quick_path, child, request, report_line, tally, part):
    kills = IN_FULL if request.config.getoption("--full") else IN_CI
    path, account, counted = quick_path / "experiment", Account(), tally("random kills")
    chance = random.Random(20261122 + part)
    nursery = child(NURSERY, path)
    for number in range(1, kills + 1):
        with counted:
            kill(nursery, number, chance, account)
            place = ExperimentDirectory(path, config={}, mode="r")
            found = {id: tree["results"]["value"] for id, tree in place.look().measurements.trees()}
            assert place.look().measurements.problems == []
            account.settle(found)
    nursery.stdin.close()
    assert nursery.wait(60) == 0, nursery.stderr.read()
    report_line(f"random kills of a real process (R): {account.operations} operations done meanwhile")


def kill(nursery, seed, chance, account):
    """Begin a process, kill it a moment later, and hear what it did."""
    nursery.stdin.write(f"{seed}\n")
    nursery.stdin.flush()
    pid, is_ready = 0, False
    for line in nursery.stdout:
        word, *more = line.split()
        if word == "pid":
            pid = int(more[0])
        elif word == "ready":
            is_ready = True
        elif word == "ended":
            assert int(more[0]) == -signal.SIGKILL, nursery.stderr.read()
            return
        else:
            account.hear(line)
        if pid and is_ready:
            time.sleep(chance.uniform(0, 0.12))
            os.kill(pid, signal.SIGKILL)
            pid = 0
    raise AssertionError(nursery.stderr.read())
