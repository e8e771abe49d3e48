"""How long measurements took: a histogram, drawn without a library."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from coma_xr.html import Html, facts, join, tag

_BINS = 40
_WIDTH, _HEIGHT, _BELOW = 640, 120, 18

# Names, seconds, and up to which number each is used.
_UNITS = (("µs", 1e-6, 1000), ("ms", 1e-3, 1000), ("s", 1, 120), ("min", 60, 120), ("h", 3600, 48))

# From this ratio of the longest to the shortest on, bins are equally wide in the logarithm.
_LONG = 10.0


def durations_html(durations: Sequence[float]) -> Html:
    """Return quantiles and a histogram of durations."""
    found = sorted(value for value in durations if math.isfinite(value) and value >= 0)
    if not found:
        return Html()
    quantiles = [("shortest", 0.0), ("median", 0.5), ("90 % are below", 0.9), ("longest", 1.0)]
    rows = [(name, seconds_text(found[round(part * (len(found) - 1))])) for name, part in quantiles]
    rows.append(("all together", seconds_text(math.fsum(found))))
    return join(facts(rows), _histogram(found) if found[-1] > found[0] else None)


def _histogram(found: Sequence[float]) -> Html:
    """Return bars over equal steps of the time, or of its logarithm."""
    positive = [value for value in found if value > 0]
    is_log = positive[-1] > _LONG * positive[0]
    used = positive if is_log else list(found)
    counts = _counts(used, is_log=is_log)
    low, high = used[0], used[-1]
    middle = math.sqrt(low * high) if is_log else (low + high) / 2
    ends = [(0, "start", low), (_WIDTH // 2, "middle", middle), (_WIDTH, "end", high)]
    labels = [
        tag("text", seconds_text(value), x=x, y=_HEIGHT + 14, text_anchor=anchor, class_="coma-label")
        for x, anchor, value in ends
    ]
    line = tag("line", x1=0, x2=_WIDTH, y1=_HEIGHT, y2=_HEIGHT, class_="coma-axis")
    box = f"0 0 {_WIDTH} {_HEIGHT + _BELOW}"
    look = {"viewBox": box, "role": "img", "aria_label": "durations", "class_": "coma-histogram"}
    scale = " on a logarithmic scale" if is_log else ""
    left = len(found) - len(used)
    said = f"How many measurements took how long{scale}; the highest bar is {max(counts):,}"
    said += f"; {left:,} took no measurable time" if left else ""
    said += "; they are in whole seconds" if all(value == int(value) for value in used) else ""
    return tag("figure", tag("svg", *_bars(counts), line, *labels, **look), tag("figcaption", f"{said}."))


def _counts(used: Sequence[float], *, is_log: bool) -> list[int]:
    """Return how many of sorted values are in each bin."""
    low, high = used[0], used[-1]
    bins = max(5, min(_BINS, math.ceil(2 * len(used) ** 0.5)))
    counts = [0] * bins
    for value in used:
        part = math.log(value / low) / math.log(high / low) if is_log else (value - low) / (high - low)
        counts[min(int(part * bins), bins - 1)] += 1
    return counts


def _bars(counts: Sequence[int]) -> Iterator[Html]:
    step, unit = _WIDTH / len(counts), _HEIGHT / max(counts)
    for place, count in enumerate(counts):
        if count:
            # One among thousands is seen too.
            height = max(1.5, count * unit)
            yield tag(
                "rect",
                tag("title", f"{count:,}"),
                x=f"{place * step:.5g}",
                y=f"{_HEIGHT - height:.5g}",
                width=f"{step - 1:.5g}",
                height=f"{height:.5g}",
                class_="coma-fill-done",
            )


def seconds_text(seconds: float) -> str:
    """Return a duration in the unit that fits it.

    Examples
    --------
    >>> [seconds_text(value) for value in (0, 2.5e-6, 0.25, 0.9999, 90_000, 1e6)]
    ['0 s', '2.5 µs', '250 ms', '1 s', '25 h', '11.6 d']
    """
    if not seconds:
        return "0 s"
    for unit, size, most in _UNITS:
        number = float(f"{seconds / size:.3g}")
        if number < most:
            return f"{number:.10g} {unit}"
    return f"{seconds / 86_400:.3g} d"
