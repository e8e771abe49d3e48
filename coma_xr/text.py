"""How counts, lists and near names are worded."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any

# Characters of the names in one message, after which a list is cut.
_MOST_CHARACTERS = 300

# Digits that a number is written with, unless numbers of one list would look equal; floats have no more than 17.
_DIGITS, _ALL_DIGITS = 7, 17

# From here on an int is too long for a line.
_LONGEST_INT = 10**80

# Lists of numbers in this range are written without powers of ten, and integers up to the last one exactly.
_SMALL, _LARGE, _EXACT = 1e-4, 1e6, 1e15


# A longer name is not a misspelling, and comparing it takes long.
_LONGEST_NAME = 200


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """Return at most three of `known` that `name` may be a misspelling of, nearest first.

    Names that differ only by case are the nearest.

    >>> near_names("thet", ["L", "theta_0", "theta"])
    ['theta', 'theta_0']
    """
    if len(name) > _LONGEST_NAME:
        return []
    known = list(dict.fromkeys(known))
    same_letters = [other for other in known if other.casefold() == name.casefold() and other != name]
    similar = [
        other
        for other in difflib.get_close_matches(name, known, n=3, cutoff=0.6)
        if other not in same_letters
    ]
    return [*same_letters, *similar][:3]


def visible(text: str) -> str:
    """Return a string as it is, or in quotes if it is empty or has spaces at an end, which would not be seen.

    >>> visible("a"), visible("a "), visible("")
    ('a', "'a '", "''")
    """
    return text if text and text == text.strip() else repr(text)


def listing(names: Iterable[object], most: int = 10) -> str:
    """Return names separated by commas: at most `most` of them, and no more than fit into a message.

    >>> listing("abcd", most=2)
    'a, b and 2 more'
    """
    texts = [visible(str(name)) for name in names]
    if not texts:
        return "none"
    shown = texts[:most]
    while len(shown) > 1 and sum(map(len, shown)) > _MOST_CHARACTERS:
        shown.pop()
    hidden = len(texts) - len(shown)
    return ", ".join(shown) + (f" and {hidden} more" if hidden else "")


def alternatives(names: Sequence[object]) -> str:
    """Return names as a choice.

    >>> alternatives(["a", "b", "c"])
    "'a', 'b' or 'c'"
    """
    texts = [repr(name) for name in names]
    return " or ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def available(name: str, known: Iterable[str]) -> str:
    """Return the part of a message that lists the names that exist, and those near to `name`.

    >>> available("energi", ["energy", "t"])
    "Available: energy, t. Did you mean 'energy'?"
    """
    known = list(known)
    near = near_names(name, known)
    return f"Available: {listing(known)}." + (f" Did you mean {alternatives(near)}?" if near else "")


def ordinal(number: int) -> str:
    """Return the ordinal of a number.

    >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 22, 112)]
    ['1st', '2nd', '3rd', '4th', '11th', '22nd', '112th']
    """
    is_teen = number // 10 % 10 == 1
    return f"{number}{'th' if is_teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun.

    >>> count(1, "measurement"), count(2, "measurement"), count(0, "index", "indexes")
    ('1 measurement', '2 measurements', '0 indexes')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def numbers(values: Iterable[float]) -> list[str]:
    """Return numbers as text: each as short as gives it back within 7 digits, more where two would look equal.

    All of a list are in one notation, with or without powers of ten.

    >>> numbers([273.15, 300.0]), numbers([0.1 + 0.2]), numbers([1.0, 1.00000001])
    (['273.15', '300'], ['0.3'], ['1', '1.00000001'])
    >>> numbers([0.3, 0.1 + 0.2, 1 / 3])
    ['0.3', '0.30000000000000004', '0.3333333']
    >>> numbers([1e5, 1e6, 1e7]), numbers([1e-9, 0.25]), numbers([float("inf"), float("nan")])
    (['1e5', '1e6', '1e7'], ['1e-9', '2.5e-1'], ['inf', 'nan'])
    """
    values = [float(value) for value in values]
    finite = {value for value in values if math.isfinite(value)}
    powers = {value: _with_digits(value, _DIGITS) for value in finite}
    for digits in range(_DIGITS + 1, _ALL_DIGITS + 1):
        if len(set(powers.values())) == len(finite):
            break
        counts = Counter(powers.values())
        equal = [value for value, text in powers.items() if counts[text] > 1]
        powers |= {value: _with_digits(value, digits) for value in equal}
    plain = {value: _without_power(text) for value, text in powers.items()}
    sizes = [abs(value) for value in finite if value]
    is_usual = not sizes or (min(sizes) >= _SMALL and max(sizes) < _LARGE)
    is_short = sum(map(len, plain.values())) <= sum(map(len, powers.values()))
    chosen = plain if is_usual or is_short else {**powers, 0.0: "0"}
    return [chosen.get(value, str(value)) for value in values]


def interval(low: float, high: float) -> str:
    """Return the ends of a range, each as short as it can be, or the one value.

    >>> interval(0.0, 1.0766211758919213), interval(1, 1), interval(2e-7, 0.25)
    ('0 ... 1.076621', '1', '2e-7 ... 0.25')
    """
    if low == high:
        return number(low)
    ends = [number(low), number(high)]
    return " ... ".join(ends if ends[0] != ends[1] else numbers([low, high]))


def number(value: float) -> str:
    """Return one number as text; an int of thousands of digits, which Python does not write, by its size.

    >>> number(1.0), number(12), number(10**5000)
    ('1', '12', 'an int of 16,610 bits')
    """
    if isinstance(value, float):
        return numbers([value])[0]
    return f"an int of {value.bit_length():,} bits" if abs(value) > _LONGEST_INT else str(value)


def _with_digits(value: float, digits: int) -> str:
    """Return a number with a power of ten: the shortest text that gives it back, up to a number of digits."""
    if value.is_integer() and abs(value) < _EXACT:
        digits = _ALL_DIGITS
    shortest = repr(value).partition("e")[0].replace(".", "").strip("-0")
    mantissa, _, exponent = f"{value:.{min(len(shortest) or 1, digits) - 1}e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{int(exponent)}" if value else "0e0"


def _without_power(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    places = max(len(mantissa.lstrip("-").replace(".", "")) - 1 - int(exponent), 0)
    plain = f"{float(text):.{places}f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def as_clause(message: object) -> str:
    """Return a message without its full stop, to stand within a sentence.

    >>> as_clause(ValueError("It must be positive."))
    'It must be positive'
    """
    return str(message).rstrip(".")


def with_article(noun: str) -> str:
    """Return a noun with its indefinite article.

    >>> with_article("int"), with_article("str"), with_article("ndarray")
    ('an int', 'a str', 'an ndarray')
    """
    # "nd" and "xr" are spelt out, so that they begin with a vowel to the ear.
    vowel = noun[:1].lower() in "aeio" or noun[:2].lower() in ("nd", "xr", "un", "up")
    return f"{'an' if vowel and not noun.lower().startswith('uni') else 'a'} {noun}"


def shortened(value: Any, most: int = 80) -> str:
    """Return the repr of a value on one line, cut in the middle when it is long.

    >>> shortened([1, 2])
    '[1, 2]'
    >>> shortened("x" * 100, most=20)
    "'xxxxxxxxx ... xxxx'"
    """
    return cut(" ".join(repr(value).split()), most)


def items_of(array: Any) -> list[Any]:
    """Return the items of an array as Python's values, and those with a unit or with fields as they are."""
    return list(array.ravel()) if array.dtype.kind in "mMV" else array.ravel().tolist()


def label(value: Any) -> str:
    """Return a value as text: dates with as many digits as they have, durations as Python writes them.

    >>> import numpy as np
    >>> label(np.datetime64("2026-01-01", "ns")), label(np.timedelta64(90, "m")), label(np.timedelta64(1, "M"))
    ('2026-01-01', '1:30:00', '1 months')
    """
    if type(value).__name__ not in ("datetime64", "timedelta64"):
        return str(value)
    import numpy as np

    if isinstance(value, np.datetime64):
        return str(np.datetime_as_string(value, unit="auto"))
    is_exact = (
        np.datetime_data(value.dtype)[0] not in ("Y", "M", "generic") and value.astype("m8[us]") == value
    )
    item = value.astype("m8[us]").item() if is_exact else value
    return str(value if type(item) is int else item)


def clean(value: object) -> str:
    r"""Return something as one line of text, without control characters that a terminal would obey.

    >>> clean("two\n lines, \x1b[31mred")
    'two lines, \\x1b[31mred'
    """
    return "".join(map(_visible, " ".join(str(value).split())))


def clean_lines(text: str) -> str:
    """Return text of several lines without control characters that a terminal would obey."""
    if text.isprintable():
        return text
    return "\n".join("".join(map(_visible, line)) for line in text.expandtabs().split("\n"))


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def cut(text: str, most: int) -> str:
    """Return text cut in the middle when it is longer than `most` characters.

    >>> cut("abcdefghijklmnopqrstuvwxyz", 14)
    'abcdef ... xyz'
    """
    if len(text) <= most:
        return text
    end = (most - 5) // 3
    return f"{text[: most - 5 - end]} ... {text[-end:]}"


def time_text(seconds: float) -> str:
    """Return a duration in the unit that fits it.

    >>> time_text(0.25), time_text(90), time_text(90_000)
    ('0.2 s', '1.5 min', '25.0 h')
    """
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def progress_text(
    todo: int, done: int, failed: int, rate: float | None = None, left: float | None = None
) -> str:
    """Return how far a run is: the one wording of a run, its log, and those who watch it.

    >>> progress_text(20, 10, 0, 4.95, 2.0), progress_text(20, 1, 1, 1 / 90)
    ('10 of 20 done, 4.95 a second, about 2.0 s left', '1 of 20 done, 1 failed, 40 an hour')
    """
    parts = [f"{done:,} of {todo:,} done", *([f"{failed:,} failed"] if failed else [])]
    parts += [] if not rate else [rate_text(rate)]
    parts += [] if left is None else [f"about {time_text(left)} left"]
    return ", ".join(parts)


def rate_text(rate: float) -> str:
    """Return how many a second, a minute or an hour.

    >>> rate_text(1234.5), rate_text(0.5), rate_text(0.01)
    ('1,230 a second', '30 a minute', '36 an hour')
    """
    units = (("a second", 1.0), ("a minute", 60.0), ("an hour", 3600.0))
    unit, seconds = next((one for one in units if rate * one[1] >= 1), units[-1])
    return f"{float(f'{rate * seconds:.3g}'):,.10g} {unit}"


def beginning_with(head: str, names: Collection[str]) -> list[str]:
    """Return the names that begin with a string; one search in all of them takes a tenth of the time of one in each.

    >>> beginning_with("b", ["a", "b1", "ab"])
    ['b1']
    """
    lines = "\n".join(("", *names))
    if lines.count("\n") > len(names):
        return [name for name in names if name.startswith(head)]
    return re.findall(f"\n({re.escape(head)}.*)", lines)


# A dollar that is not written as one.
_DOLLAR = re.compile(r"(?<!\\)\$")


def has_formulas(text: str) -> bool:
    """Return whether dollars enclose formulas, without a space next to them inside; of two amounts of money they do not.

    >>> has_formulas("$x_1$ and $x_2$"), has_formulas("$5 to $10"), has_formulas("$10-$20")
    (True, False, False)
    """
    parts = _DOLLAR.split(text)
    pairs = list(zip(parts[1::2], parts[2::2], strict=False))
    is_money = any(inside[:1].isdigit() and behind[:1].isdigit() for inside, behind in pairs)
    is_closed = len(parts) % 2 == 1 and all(inside and inside == inside.strip() for inside, _ in pairs)
    return bool(pairs) and is_closed and not is_money


# Commands of LaTeX that units have, other than Greek letters.
_SIGNS = {"cdot": "·", "times": "\N{MULTIPLICATION SIGN}", "circ": "°", "degree": "°", "AA": "Å", "pm": "±"}
_SIGNS |= {"%": "%", "$": "$", "_": "_", ",": " ", ";": " ", ":": " ", " ": " ", "!": ""}
_RAISED = str.maketrans("0123456789+-n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ")
_LOWERED = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")


def without_formulas(text: str) -> str:
    r"""Return a label without LaTeX, for tables and controls; as it is, if it has more than units and symbols have.

    >>> without_formulas(r"$10^{-3}\,\mathrm{m}^2$"), without_formulas(r"$E_\mathrm{kin}$ [$\mu$J]")
    ('10⁻³ m²', 'E_kin [μJ]')
    >>> print(without_formulas(r"$\frac{1}{2}$"), without_formulas(r"$\lambda_0$ of $5 \,\AA$"))
    $\frac{1}{2}$ λ₀ of 5 Å
    """
    if not has_formulas(text):
        return text
    parts = _DOLLAR.split(text)
    parts[1::2] = [_plain(part) for part in parts[1::2]]
    plain = "".join(parts)
    return text if re.search(r"[\\{}^]", plain) else plain


def _plain(formula: str) -> str:
    formula = re.sub(r"\\(?:mathrm|mathit|mathbf|mathsf|text|operatorname)\s*\{([^{}]*)\}", r"\1", formula)
    formula = re.sub(r"\\([A-Za-z]+|[%$_,;: !])\s*", _sign, formula)
    for mark, letters in (("^", _RAISED), ("_", _LOWERED)):

        def shifted(match: re.Match[str], mark: str = mark, letters: dict[int, int] = letters) -> str:
            inside = match[2] if match[1] is None else match[1]
            if inside == "°":
                return inside
            return (
                inside.translate(letters)
                if all(ord(letter) in letters for letter in inside)
                else mark + inside
            )

        formula = re.sub(rf"\{mark}(?:\{{([^{{}}]*)\}}|([^{{}}\\]))", shifted, formula)
    return formula.replace("~", " ")


def _sign(match: re.Match[str]) -> str:
    name = match[1]
    if name in _SIGNS:
        return _SIGNS[name]
    size = "CAPITAL" if name[:1].isupper() else "SMALL"
    with suppress(KeyError):
        return unicodedata.lookup(f"GREEK {size} LETTER {name.upper().replace('LAMBDA', 'LAMDA')}")
    return match[0]
