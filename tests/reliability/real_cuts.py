"""Cut the power of a real ext4 at random moments: python -m tests.reliability.real_cuts [number of cuts].

Needs root and loop devices. The file system is forced to shut down without writing its journal, and mounted again. The
process that worked on it says what it was told is saved; each of that must be whole.
"""

from __future__ import annotations

import fcntl
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from coma_xr.store.place import ExperimentDirectory

# FS_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: what is in memory is lost.
SHUTDOWN, WITHOUT_LOG = 0x8004587D, (2).to_bytes(4, "little")

WORKER = """
import sys
from coma_xr.encoding import json
from coma_xr.store.place import ExperimentDirectory

place = ExperimentDirectory(sys.argv[1], config={})
value = int(sys.argv[2])
print("ready", flush=True)
while True:
    if not place.look().active:
        place.activate()
    with place.running(), place.saving(True) as saver:
        id = place.look().next_id()
        for _ in range(5):
            value += 1
            rest = json.encode_rest({"results": {"value": value, "text": "x" * 3000}})
            id = saver.add({}, rest, id=id, seconds=1.0) + 1
            print(value, flush=True)
    place.deactivate(compress=value % 2 == 0)
"""


def shut_down(mount: Path) -> None:
    descriptor = os.open(mount, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, SHUTDOWN, WITHOUT_LOG)
    finally:
        os.close(descriptor)


def cut(image: Path, mount: Path, seed: int, chance: random.Random) -> list[int]:
    """Run an experiment on a mounted file system, cut the power, and return what was acknowledged."""
    subprocess.run(["mount", "-o", "loop,commit=1", image, mount], check=True)
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, mount / "e", str(seed * 100_000)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    time.sleep(chance.uniform(0.05, 1.5))
    shut_down(mount)
    worker.kill()
    told = [int(line) for line in worker.stdout if line.endswith("\n")]
    worker.wait()
    subprocess.run(["umount", mount], check=True)
    return told


def found(image: Path, mount: Path) -> dict[int, int]:
    """Return how often each value is there after the file system was mounted again."""
    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
    try:
        place = ExperimentDirectory(mount / "e", config={}, mode="r")
        values = [tree["results"]["value"] for _, tree in place.look().measurements.trees()]
        return {value: values.count(value) for value in values}
    finally:
        subprocess.run(["umount", mount], check=True)


def main(number: int) -> int:
    chance, acknowledged, lost = random.Random(20261130), set[int](), set[int]()
    with tempfile.TemporaryDirectory() as directory:
        image, mount = Path(directory, "disk"), Path(directory, "mount")
        mount.mkdir()
        with image.open("wb") as file:
            file.truncate(128 * 2**20)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        for seed in range(1, number + 1):
            acknowledged.update(cut(image, mount, seed, chance))
            have = found(image, mount)
            lost |= acknowledged - have.keys()
    print(
        f"{number} power cuts on ext4: {len(acknowledged) - len(lost)} of {len(acknowledged)} acknowledged results whole"
    )
    return bool(lost)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
