"""The configuration file, and the names of files that follow from it."""

from __future__ import annotations

import configparser
import functools
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from coma_xr import files
from coma_xr.checks import absolute_path, check_flag, checks_keywords, local_path
from coma_xr.encoding.formats import FORMATS, JSON, Format
from coma_xr.errors import ConfigError, ExperimentError, StorageError, warn
from coma_xr.text import available

_DIGITS = 6

# Far beyond any experiment, and few enough digits to be read quickly from a hostile name.
_MOST_DIGITS = 18

_LONGEST = 200


def check_plain_name(name: str, option: str) -> None:
    """Raise ConfigError when a setting does not give one plain file name."""
    if not name or name.startswith(".") or set(name) & set('/\\:*?"<>|\0') or not name.isprintable():
        raise ConfigError(
            found=repr(name),
            where=option,
            expected='one plain file name, without a leading dot and without any of / \\ : * ? " < > |',
        )
    if len(name.encode("utf-8", "replace")) > _LONGEST:
        raise ConfigError(
            found=f"{name[:40]!r}...", where=option, expected=f"a name of at most {_LONGEST} bytes"
        )


class Names:
    """The names that a template gives, and back.

    Raise ConfigError when the template does not give plain file names, different for different ids unless `numbered`
    is False.

    >>> names = Names("measurement.${measurement_id}", "${measurement_id}")
    >>> names.name(12), names.name(1234567)
    ('measurement.000012.json', 'measurement.1234567.json')
    >>> names.id_of("measurement.000012.json"), names.id_of("measurement.12.json")
    (12, None)
    """

    def __init__(
        self, template: str, placeholder: str, suffix: str = ".json", *, first: int = 1, numbered: bool = True
    ) -> None:
        option = placeholder.strip("${}").replace("_id", "_file")
        self.numbered = numbered or placeholder in template
        if template.count(placeholder) != self.numbered:
            raise ConfigError(found=repr(template), where=option, expected=f"a name with {placeholder} once")
        head, _, tail = template.partition(placeholder)
        check_plain_name(f"{head}{'0' * _MOST_DIGITS * self.numbered}{tail}{suffix}", option)
        if self.numbered and (tail[:1].isdigit() or head[-1:].isdigit()):
            raise ConfigError(
                f"a digit next to {placeholder} in {template!r} would count as part of it",
                where=option,
                ways=["Put another character between them."],
            )
        self.head = head
        self.suffix = suffix
        self._tail = tail + suffix
        self._first = first
        # A third of the time that a formatted string takes.
        before, after = (part.replace("%", "%%") for part in (self.head, self._tail))
        self._numbered_name = f"{before}%0{_DIGITS}d{after}"
        digits = rf"([0-9]{{{_DIGITS}}}|[1-9][0-9]{{{_DIGITS},{_MOST_DIGITS - 1}}})"
        pattern = re.escape(self.head) + digits + re.escape(self._tail)
        self._digits_in, self._digits_of = (
            re.compile(f"\n{pattern}(?=\n)").findall,
            re.compile(pattern).fullmatch,
        )
        beside = re.escape(self.head) + digits + re.escape(tail) + r"\..+\.nc"
        self._digits_of_beside = re.compile(beside, re.DOTALL).fullmatch

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Names) and (self.head, self._tail) == (other.head, other._tail)

    def __hash__(self) -> int:
        return hash((self.head, self._tail))

    def __repr__(self) -> str:
        return f"Names({self.name(1)!r}, ...)"

    def name(self, id: int | None) -> str:
        """Return the name for an id, ``none`` for None; a template without an id has one name for all."""
        if id is None or not self.numbered:
            return self.head + "none" * self.numbered + self._tail
        return self._numbered_name % id

    def names(self, ids: Iterable[int]) -> list[str]:
        """Return the names for several ids."""
        return list(map(self._numbered_name.__mod__ if self.numbered else self.name, ids))

    def stem(self, id: int) -> str:
        """Return the name for an id, without the ending."""
        return self.name(id).removesuffix(self.suffix)

    def beside(self, names: Iterable[str]) -> list[tuple[str, int]]:
        """Return the names of files next to measurements, each with the id.

        >>> names = Names("measurement.${measurement_id}", "${measurement_id}")
        >>> names.beside(["measurement.000012.json", "measurement.000012.psi.nc"])
        [('measurement.000012.psi.nc', 12)]
        """
        matches = ((name, self._digits_of_beside(name)) for name in names if name.endswith(".nc"))
        return [(name, int(digits[1])) for name, digits in matches if digits]

    def id_of(self, name: str) -> int | None:
        """Return the id in a name; None unless `name` would give exactly this one for an id that counts."""
        digits = self._digits_of(name) if self.numbered and name.startswith(self.head) else None
        return int(digits[1]) if digits and int(digits[1]) >= self._first else None

    def ids_of(self, names: Iterable[str]) -> list[int]:
        """Return the ids in all names that have one, in the order of the names.

        >>> names = Names("measurement.${measurement_id}", "${measurement_id}")
        >>> names.ids_of(["measurement.000012.json", "notes.txt", "measurement.000000.json"])
        [12]
        """
        return self.find(names)[0]

    def find(self, names: Iterable[str]) -> tuple[list[int], list[str]]:
        """Return the ids in all names that have one, and these names."""
        if not self.numbered:
            return [], []
        names = list(names)
        lines = "\n".join(("", *names, ""))
        if lines.count("\n") == len(names) + 1:
            # One search in all names takes a quarter of the time of one in each.
            digits_of_ids = self._digits_in(lines)
        else:
            digits_of_ids = [digits[1] for digits in map(self._digits_of, names) if digits]
        ids = list(map(int, digits_of_ids))
        if min(ids, default=self._first) < self._first:
            digits_of_ids = [digits for digits in digits_of_ids if int(digits) >= self._first]
            ids = list(map(int, digits_of_ids))
        head, tail = self.head, self._tail
        return ids, [f"{head}{digits}{tail}" for digits in digits_of_ids]

    def owns(self, name: str) -> bool:
        """Whether `name` gives this name for some id or for None."""
        return name.startswith(self.head) and (name == self.name(None) or self.id_of(name) is not None)


SECTION = "coma"
FILE = "preferences.conf"

_RECORD_CODE = ("full", "fingerprint", "off")
_TRUE = {"yes", "true", "on", "1"}
_FALSE = {"no", "false", "off", "0"}


@dataclass(frozen=True)
class Config:
    """The settings of an experiment.

    Raises
    ------
    ConfigError
        For a value that cannot be used. The message names the option.

    Examples
    --------
    >>> Config.of({"archive_pretty_print": "no"}).archive_pretty_print
    False
    """

    experiment_file: str = "experiment.${experiment_id}"
    experiment_index: str = "experiment.index"
    measurement_file: str = "measurement.${measurement_id}"
    measurement_index: str = "measurement.index"
    archive_default_format: str = "json"
    archive_pretty_print: bool = True
    serializer_getstate: str = "coma_getstate"
    serializer_setstate: str = "coma_setstate"
    archive_strict_json: bool = False
    record_code: str = "full"
    cache_dir: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            object.__setattr__(self, field.name, _checked(field.name, value, type(field.default)))
        if f".{self.archive_default_format}" not in FORMATS:
            raise ConfigError(
                found=repr(self.archive_default_format),
                where="archive_default_format",
                expected="json or xml",
            )
        if self.record_code not in _RECORD_CODE:
            raise ConfigError(
                found=repr(self.record_code), where="record_code", expected="full, fingerprint or off"
            )
        try:
            local_path(self.experiment_index)
        except ExperimentError as error:
            raise ConfigError(
                f"experiment_index: {error.what}", expected=error.expected, ways=error.ways
            ) from None
        check_plain_name(self.measurement_index, "measurement_index")
        for option in ("serializer_getstate", "serializer_setstate"):
            if not getattr(self, option).isidentifier():
                raise ConfigError(
                    found=repr(getattr(self, option)), where=option, expected="the name of a method"
                )
        self._check_clashes()

    def _check_clashes(self) -> None:
        # Failures are always JSON.
        experiments, measurements = self.experiments(JSON.suffix), self.measurements(JSON.suffix)
        failures = self.failures()
        indices = [self.measurement_index + suffix for suffix in FORMATS]
        if experiments == measurements or failures in (experiments, measurements):
            raise ConfigError(
                found=f"{experiments.name(1)!r} and {measurements.name(1)!r}",
                where="experiment_file and measurement_file",
                expected=f"names that differ from each other and from '{failures.name(1)}'",
            )
        kinds = [*self.all_experiments(), *self.all_measurements(), failures]
        for index in indices:
            if any(names.owns(index) for names in kinds):
                raise ConfigError(
                    f"{index!r} would be counted as another kind of file",
                    where="measurement_index",
                    ways=["Choose another name."],
                )

    @classmethod
    def of(cls, settings: Mapping[str, Any] | Config | None) -> Config:
        """Return the settings of a mapping; None reads the file of settings, if there is one."""
        if isinstance(settings, Config):
            return settings
        if settings is None:
            settings = load_config()
        if not isinstance(settings, Mapping):
            raise ConfigError(
                found=f"a {type(settings).__name__}", where="config", expected="a mapping of options"
            )
        known = [field.name for field in fields(cls)]
        for option in settings:
            if option not in known:
                warn(f"Unknown option {option!r} in the configuration. {available(str(option), known)}")
        return cls(**{option: value for option, value in settings.items() if option in known})

    @property
    def format(self) -> Format:
        """The format of new files."""
        return FORMATS[f".{self.archive_default_format}"]

    def experiments(self, suffix: str | None = None) -> Names:
        """Return the names of experiment files, with the suffix of new files when none is given."""
        suffix = suffix or self.format.suffix
        return _names(self.experiment_file, "${experiment_id}", suffix, first=0, numbered=False)

    def measurements(self, suffix: str | None = None) -> Names:
        """Return the names of measurement files, with the suffix of new files when none is given."""
        return _names(self.measurement_file, "${measurement_id}", suffix or self.format.suffix)

    def all_experiments(self) -> list[Names]:
        """Return the names of experiment files in every format, those of new files first."""
        return [self.experiments(suffix) for suffix in self._suffixes()]

    def all_measurements(self) -> list[Names]:
        """Return the names of measurement files in every format, those of new files first."""
        return [self.measurements(suffix) for suffix in self._suffixes()]

    def _suffixes(self) -> list[str]:
        return sorted(FORMATS, key=lambda suffix: suffix != self.format.suffix)

    def failures(self) -> Names:
        """Return the names of the files that record failures."""
        return _names("failure.${failure_id}", "${failure_id}")

    def experiment_index_path(self) -> str:
        """Return the path of the index that numbers experiments, with its suffix; it may be missing."""
        paths = [local_path(self.experiment_index + suffix) for suffix in self._suffixes()]
        candidates = []
        # Without a working directory there is none in it.
        with suppress(StorageError):
            candidates += [absolute_path(path) for path in paths]
        if not Path(paths[0]).is_absolute():
            candidates += map(_path, paths)
        existing = [path for path in candidates if files.exists(path)]
        return existing[0] if existing else candidates[-len(paths)]


# Asked for at every measurement.
_names = functools.cache(Names)


def _checked(option: str, value: Any, kind: type) -> Any:
    if kind is bool and isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE | _FALSE:
            return word in _TRUE
        raise ConfigError(found=repr(value), where=option, expected="yes or no")
    if not isinstance(value, kind):
        raise ConfigError(found=repr(value), where=option, expected="yes or no" if kind is bool else "text")
    return value


def configuration_directory() -> str:
    """Return the directory of the user's settings; it may be missing."""
    if directory := os.environ.get("COMA_CONFIG_DIR"):
        return local_path(directory)
    return files.inside(local_path(os.environ.get("XDG_CONFIG_HOME") or "~/.config"), "coma")


def default_file() -> str:
    """Return the path of the settings that apply by default."""
    # A file of this name in the current directory may belong to another program.
    with suppress(FileNotFoundError, StorageError):
        if f"[{SECTION}]".encode() in files.read(local_path(FILE)):
            return absolute_path(FILE)
    return _path(FILE)


def _path(name: str) -> str:
    return files.inside(configuration_directory(), name)


def _is_there(path: str) -> bool:
    with suppress(StorageError):
        return files.exists(path)
    return False


@checks_keywords
def load_config(file: str = FILE) -> dict[str, Any]:
    """Return the options that a file sets; all defaults if the default file does not exist.

    Parameters
    ----------
    file : str, default "preferences.conf"
        A path, or a name in the configuration directory.

    Returns
    -------
    dict
        Names with values, bool or str. Change what you like and pass it as ``Experiment(..., config=...)``.

    Raises
    ------
    ConfigError
        When a file that you name does not exist, the file is not an INI file with a section ``[coma]``, or an option that
        is yes or no has another value.

    Examples
    --------
    >>> create_default_config(create_experiment_index=False)
    Creating directory ...
    Creating config file ...
    >>> config = load_config()
    >>> config["measurement_file"], config["archive_pretty_print"]
    ('measurement.${measurement_id}', True)
    >>> config["archive_pretty_print"] = False
    """
    given: Any = file
    path = default_file() if isinstance(given, str) and given == FILE else local_path(given)
    if not (Path(path).is_absolute() or files.exists(path)):
        path = _path(path)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(files.read(path).decode("utf-8"), source=path)
    except (FileNotFoundError, StorageError) as error:
        # A home directory that cannot be looked into, as on some clusters, has no settings.
        if file == FILE and not _is_there(path):
            return asdict(Config())
        if isinstance(error, StorageError):
            raise
        raise ConfigError(
            "there is no such file", where=path, ways=["Call load_config() for the default settings."]
        ) from None
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", where=path, expected="an INI file") from error
    if SECTION not in parser:
        raise ConfigError(
            f"has no section [{SECTION}]", where=path, name=SECTION, available=parser.sections()
        )
    kinds = {field.name: type(field.default) for field in fields(Config)}
    return {name: _checked(name, value, kinds.get(name, str)) for name, value in parser[SECTION].items()}


# Coma 2 does not know these.
_UNLISTED = {"archive_strict_json", "record_code", "cache_dir"}


@checks_keywords
def create_default_config(create_experiment_index: bool = True) -> None:
    """Write a file with all settings and the index that numbers experiments, and print what was done.

    Nothing that exists is changed.

    Parameters
    ----------
    create_experiment_index : bool, default True
        With an index, new experiments get the ids 1, 2, ...; without one they have no id unless it is given.

    Examples
    --------
    >>> create_default_config()
    Creating directory ...
    Creating config file ".../preferences.conf"
    Creating experiment index ".../experiment.index"
    """
    directory = configuration_directory()
    if files.is_directory(directory):
        print(f"Directory {directory} already exists")
    else:
        print(f"Creating directory {directory}")
        files.make_directory(directory)
    lines = [
        f"{field.name} = {'yes' if field.default is True else field.default}"
        for field in fields(Config)
        if field.name not in _UNLISTED
    ]
    _create_with_word("config file", _path(FILE), _path(FILE), "\n".join([f"[{SECTION}]", *lines, ""]))
    if check_flag("create_experiment_index", create_experiment_index):
        path = _path(Config.experiment_index)
        text = '{\n  "experiments": {\n    "last_experiment_id": 0\n  }\n}'
        _create_with_word("experiment index", path, f"{path}.json", text)


def _create_with_word(noun: str, shown: str, path: str, text: str) -> None:
    try:
        files.create(path, text.encode(), sync=True)
    except FileExistsError:
        print(f'{noun.capitalize()} "{shown}" already exists')
    else:
        print(f'Creating {noun} "{shown}"')
