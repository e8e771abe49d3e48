"""Seeds of random numbers: for each parameter set and repeat its own, whenever and wherever that is run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coma_xr.define.exact import key_of
from coma_xr.same import key, text_of

if TYPE_CHECKING:
    from coma_xr.define.parameters import Definition
    from coma_xr.run.plan import Task
    from coma_xr.tree import Path
    from coma_xr.values.plain import Tree

# An argument `seed` goes to generators of all kinds, and many take at most 32 bits.
_SEED_BITS, _RNG_BITS = 32, 63


@dataclass(frozen=True)
class Seeds:
    """What gives each parameter set its random numbers.

    Examples
    --------
    >>> from coma_xr.define.parameters import Definition
    >>> from coma_xr.run.plan import plan
    >>> seeds, definition = Seeds(1, ("seed",)), Definition.of(["a"])
    >>> first, again, other = [seeds.seed(definition, plan([[a]]).todo[0]) for a in (1, 1.0, 2)]
    >>> first == again, first == other
    (True, False)
    """

    root: int
    arguments: tuple[str, ...]
    defaults: Mapping[Path, Tree] = field(default_factory=dict)

    def seed(self, definition: Definition, task: Task) -> int:
        """Return the seed of a parameter set and repeat; it does not depend on the order of parameters."""
        import numpy as np

        digest = hashlib.sha256(self._text(definition, task).encode()).digest()
        words = [int.from_bytes(digest[i : i + 4], "big") for i in range(0, 32, 4)]
        sequence = np.random.SeedSequence(self.root, spawn_key=(*words, task.repeat or 0))
        high, low = (int(word) for word in sequence.generate_state(2))
        bits = _SEED_BITS if "seed" in self.arguments else _RNG_BITS
        return ((high << 32) | low) >> (64 - bits)

    def _text(self, definition: Definition, task: Task) -> str:
        pairs = []
        for path, value in zip(definition.paths, task.values, strict=True):
            own = key_of((value,))
            if path not in self.defaults or own != key((self.defaults[path],)):
                pairs.append((_path_text(path), text_of(own)))
        return ", ".join([f"{json.dumps(path)}: {value}" for path, value in sorted(pairs)])

    def keywords(self, seed: int) -> dict[str, Any]:
        """Return the keyword arguments for the function."""
        given: dict[str, Any] = {}
        if "rng" in self.arguments:
            import numpy as np

            given["rng"] = np.random.default_rng(seed)
        if "seed" in self.arguments:
            given["seed"] = seed
        return given


def _path_text(path: Path) -> str:
    """Return a path as version 1 wrote it, so that seeds stay what they are."""
    return "/".join([_escaped(str(segment)) for segment in path])


def _escaped(segment: str) -> str:
    if "\\" in segment or "/" in segment or segment == "*":
        return segment.replace("\\", "\\\\").replace("/", "\\/").replace("*", "\\*")
    return segment
