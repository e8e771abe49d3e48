"""Fresh processes for what would leave something behind, or is about a process itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.output.kinds import environment_of_a_child

__all__ = ["in_child", "peak"]

# Warnings of other libraries are not ours to mend.
_CODE = """
import json, sys
from {module} import {name} as function
print(json.dumps(function(*json.loads(sys.argv[1]))))
"""


def in_child(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function of a module of the tests returns in a process of its own.

    Parameters
    ----------
    function : callable
    *arguments
        What JSON knows; paths go as text.
    """
    code = _CODE.format(module=function.__module__, name=function.__name__)
    given = json.dumps([str(value) if isinstance(value, Path) else value for value in arguments])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, given],
        env=environment_of_a_child(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def peak() -> float:
    """Return the most memory that this process has had at a time, in MB."""
    # What getrusage tells of a child begins with the memory of its parent.
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
    return int(line.split()[1]) / 1024
