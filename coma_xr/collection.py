"""Several experiments: a table of them, and all of their measurements in one Dataset."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from coma_xr import files
from coma_xr.checks import (
    check_choice,
    check_flag,
    check_strings,
    checks_keywords,
    is_listed,
    local_path,
    unknown_argument,
)
from coma_xr.define.parameters import hidden, warn_of_hidden
from coma_xr.define.values import NOTHING, look
from coma_xr.errors import (
    ComaError,
    DataFileError,
    DataFileWarning,
    ExperimentError,
    LayoutError,
    ParameterError,
    PathError,
    warn,
)
from coma_xr.experiment import Experiment
from coma_xr.html import ROWS, fragment, table, tag
from coma_xr.records import WITHOUT_STRICT, look_at
from coma_xr.same import doubles, key, repeat_of
from coma_xr.store.config import Config
from coma_xr.store.layout import without_own_folders
from coma_xr.text import available, count, listing
from coma_xr.tree import join, leaves

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from coma_xr.define.parameters import Past
    from coma_xr.records import Records
    from coma_xr.retrieve.dims import Status
    from coma_xr.tree import Path
    from coma_xr.values.plain import Tree

_COLUMNS = (
    *("id", "path", "description", "tags", "measurements", "start_date", "end_date"),
    *("program", "version", "problem"),
)
_SHOWN = ("id", "path", "measurements", "date", "description")
_WILD = frozenset("*?[")
_DATASET_OPTIONS = ("layout", "unfold", "fill", "where", "chunks")

_LABEL = "experiment"

_T = TypeVar("_T")


@dataclass(frozen=True)
class _Entry:
    """One line of the table: an experiment, or why there is none."""

    path: str
    experiment: Experiment | None
    about: Mapping[str, Any]


@checks_keywords
def open_experiments(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    config: Mapping[str, Any] | None = None,
) -> Experiments:
    """Open several experiments for reading.

    Parameters
    ----------
    paths : str, path-like, or iterable of these
        Directories and experiment files. ``*``, ``?`` and ``[...]`` match parts of names, and ``**`` any number of
        directories.
    config : mapping, optional
        The options of the configuration file, as for `Experiment`.

    Returns
    -------
    Experiments
        The experiments in the order of their paths. Directories without an experiment, and those that cannot be read,
        are listed with their problem.

    Raises
    ------
    ExperimentError
        If no directory or experiment file matches.

    Examples
    --------
    >>> import coma_xr as coma
    >>> for n in (1, 2):
    ...     e = coma.Experiment(f"scans/n{n}", description=f"x to the power of {n}")
    ...     report = e.run(lambda x: {"y": x**n}, {"x": [1, 2, 3]}, progress=False)
    >>> both = open_experiments("scans/*")
    >>> both.table[["description", "measurements"]].values.tolist()
    [['x to the power of 1', 3], ['x to the power of 2', 3]]
    >>> both.to_dataset().y.sel(experiment="n2").values
    array([1, 4, 9])
    """
    given: Any = paths if is_listed(paths) else [paths]
    asked = [local_path(path) for path in given]
    settings = Config.of(config)
    entries: list[_Entry] = []
    for text in asked:
        wild = bool(_WILD & set(text))
        for path in _expanded(text, settings) if wild else [os.path.normpath(text)]:
            entries += _opened(path, settings, config, given=not wild)
    if not entries:
        raise ExperimentError(
            f"No directory or experiment file {listing(map(repr, asked))} exists."
            if asked
            else "No path is given.",
            expected="paths of experiments, or patterns such as 'runs/*'",
        )
    return Experiments(entries)


@checks_keywords
class Experiments:
    """Several experiments, opened by `open_experiments`.

    It has a length and can be iterated over. Index it by position, by a label in the index of its table, or by a
    condition on the columns of the table: ``experiments[P.measurements > 100]``. Experiments that could not be opened
    are listed in the table only.

    Examples
    --------
    >>> import coma_xr as coma
    >>> for n in (1, 2):
    ...     report = coma.Experiment(f"powers/n{n}").run(lambda x: {"y": x**n}, {"x": [2, 3]}, progress=False)
    >>> len(coma.open_experiments("powers/*"))
    2
    """

    def __init__(self, entries: Any) -> None:
        if not (isinstance(entries, Sequence) and all(isinstance(entry, _Entry) for entry in entries)):
            raise ParameterError(
                "Experiments cannot be created directly.", ways=["Call open_experiments with their paths."]
            )
        self._entries = list(entries)

    @property
    def table(self) -> pd.DataFrame:
        """A table with a row for each experiment: id, path, description, tags, measurements, dates, program, version, problem.

        Its index, ``experiment``, has the labels of the coord in `to_dataset`, and the paths of experiments that cannot be
        opened.
        """
        import pandas as pd

        rows = [[entry.about.get(column) for column in _COLUMNS] for entry in self._entries]
        labels = iter(self._labels())
        index = [entry.path if entry.experiment is None else next(labels) for entry in self._entries]
        table = pd.DataFrame(rows, columns=list(_COLUMNS), index=pd.Index(index, name=_LABEL))
        return table.astype({"id": "Int64", "measurements": "Int64"})

    @property
    def problems(self) -> dict[str, str]:
        """The reasons why experiments could not be opened, by path."""
        return {entry.path: entry.about["problem"] for entry in self._entries if entry.about.get("problem")}

    @property
    def _opened(self) -> list[Experiment]:
        return [entry.experiment for entry in self._entries if entry.experiment is not None]

    def __len__(self) -> int:
        return len(self._opened)

    def __iter__(self) -> Iterator[Experiment]:
        return iter(self._opened)

    @overload
    def __getitem__(self, key: int) -> Experiment: ...
    @overload
    def __getitem__(self, key: Any) -> Experiment | Experiments: ...

    def __getitem__(self, key: Any) -> Experiment | Experiments:
        """Return one experiment by its position or label, or those of a slice or condition.

        Raises
        ------
        IndexError
            When there are fewer.
        PathError
            For a string that is neither a label nor a condition on the columns of the table.
        """
        if isinstance(key, slice):
            good = [entry for entry in self._entries if entry.experiment is not None]
            return Experiments(good[key])
        if isinstance(key, int) and not isinstance(key, bool):
            number = len(self)
            if not -number <= key < number:
                raise IndexError(f"There is no experiment at position {key}; there are {number}, from 0.")
            return self._opened[key]
        labels = self._labels()
        if isinstance(key, str) and key in labels:
            return self._opened[labels.index(key)]
        if isinstance(key, str) and not set(key) & set("<>=! (`"):
            raise PathError(
                f"No experiment here has the label {key!r}.", name=key, available=map(str, labels)
            )
        return self.select(where=key)

    def select(self, *tags: str, where: Any = None) -> Experiments:
        """Return the experiments with all given tags that fulfil a condition.

        Parameters
        ----------
        *tags : str
        where : condition or str, optional
            On the columns of the table: ``coma.P.measurements > 100``, ``"program == 'qca'"``.

        Raises
        ------
        PathError
            For a name that is not a column.

        Warns
        -----
        ComaWarning
            When no experiment has a tag.
        """
        known = dict.fromkeys(word for entry in self._entries for word in entry.about.get("tags") or ())
        tags = tuple(check_strings("tags", tags) or ())
        for word in tags:
            if word not in known:
                warn(f"No experiment here has the tag {word!r}. {available(word, known)}")
        chosen = [
            entry
            for entry in self._entries
            if entry.experiment is not None and set(tags) <= set(entry.about["tags"] or ())
        ]
        if where is not None:
            from coma_xr.define.conditions import as_condition

            condition = as_condition(where)
            condition.resolve(_column)
            chosen = [
                entry for entry in chosen if condition.evaluate(entry.about.__getitem__, entry.experiment)
            ]
        return Experiments(chosen)

    def __repr__(self) -> str:
        problems = len(self._entries) - len(self)
        more = f", {problems} that cannot be opened" if problems else ""
        return f"<{count(len(self), 'experiment')}{more}>\n{self.table!r}"

    def _repr_html_(self) -> str:
        number = f" {len(self)}" + f" of {len(self._entries)} that exist" * (len(self) < len(self._entries))
        return fragment(
            tag("span", "Experiments", class_="coma-title"),
            tag("span", number, class_="coma-muted"),
            table(_SHOWN, map(_line, self._entries), what="experiments", most=2 * ROWS),
        )

    def _labels(self) -> list[Any]:
        """Return what tells the experiments apart: ids, names of directories, or paths."""
        ids = [e.id for e in self]
        names = [e.path.name for e in self]
        paths = [entry.path for entry in self._entries if entry.experiment is not None]
        unique = [labels for labels in (names, ids) if len(set(labels)) == len(labels) and None not in labels]
        return [*unique, paths][0]

    def to_datatree(self, **options: Any) -> xr.DataTree:
        """Return a DataTree with the Dataset of each experiment as a node.

        Parameters
        ----------
        **options
            Those of `Experiment.to_dataset`.
        """
        import xarray as xr

        nodes: dict[str, xr.Dataset] = {}
        for label, e in zip(self._labels(), self, strict=True):
            name = str(label).strip("/").replace("/", "_")
            while name in nodes:
                name += "_"
            try:
                nodes[name] = e.to_dataset(**options)
            except Exception as error:
                error.add_note(f"Raised by the experiment {e.path}.")
                raise
        return xr.DataTree.from_dict(nodes)

    def to_dataset(
        self,
        variables: Any = None,
        dims: Sequence[Any] | None = None,
        *,
        concat: str | None = _LABEL,
        strict: bool = False,
        **options: Any,
    ) -> xr.Dataset:
        """Return the measurements of all experiments as one Dataset.

        Parameters
        ----------
        variables, dims
            As for `Experiment.to_dataset`; by default dims are the parameters that all experiments have defined.
        concat : {"experiment", "points"} or None, default "experiment"
            ``"experiment"`` gives the experiments a dim of their own, ``"points"`` puts all measurements along one dim. With
            None, only the parameters are dims, and ``experiment`` is a coord. Where a parameter has this name, it is
            called ``coma_experiment``.
        strict : bool, default False
            Raise an error for a measurement that cannot be read, instead of a warning.
        **options
            Further ones of `Experiment.to_dataset`: ``unfold``, ``fill``, ``where``, ``chunks``.

        Raises
        ------
        LayoutError
            When less than a tenth of more than a million cells would be filled; ``concat="points"`` then helps.
        """
        from coma_xr.retrieve.dataset import build_dataset
        from coma_xr.retrieve.dims import Status

        _check_options(options)
        layout = _layout(concat, options.pop("layout", None))
        chunks = options.pop("chunks", None)
        each = concat == _LABEL
        joined = _join(self._opened, self._labels(), first=each, strict=strict)
        definition, label = joined.definition, joined.label
        if dims is None and definition and layout != "points":
            dims = definition
            joined.warn_of_lacking()
            joined.warn_of_doubles()

        def build(joined: _Joined) -> xr.Dataset:
            return build_dataset(
                joined.trees,
                variables=variables,
                dims=[label, *_listed(dims)] if dims is not None and each else dims,
                layout=layout,
                definition=[label, *definition] if each and definition else definition,
                recorded=joined.recorded(),
                annotations=joined.annotations(),
                doubles=joined.doubles,
                # Without a dim of their own, parameter sets of several experiments cannot be distinguished.
                status=joined.status() if each else Status(excluded=joined.excluded()),
                **options,
            )

        ds = joined.built(build, strict=strict)
        if dims is None and not definition:
            joined.warn_of_strangers(ds.dims)
        if chunks is not None:
            from coma_xr.exports.external import chunked

            ds = chunked(ds, chunks)
        return joined.with_ids(ds)

    def to_dataframe(
        self,
        variables: Any = None,
        *,
        unfold: Literal["columns", "rows"] = "columns",
        where: Any = None,
        strict: bool = False,
    ) -> pd.DataFrame:
        """Return the measurements of all experiments as one DataFrame, with a row for each.

        Parameters
        ----------
        variables, unfold, where, strict
            As for `Experiment.to_dataframe`.

        Returns
        -------
        DataFrame
            Its index has two levels, ``experiment`` and ``measurement_id``; ``reset_index()`` makes columns of them.

        Examples
        --------
        >>> import coma_xr as coma
        >>> for n in (1, 2):
        ...     e = coma.Experiment(f"powers/n{n}")
        ...     report = e.run(lambda x: {"y": x**n}, {"x": [2, 3]}, progress=False)
        >>> open_experiments("powers/*").to_dataframe()
                                   x  y
        experiment measurement_id
        n1         1               2  2
                   2               3  3
        n2         1               2  4
                   2               3  9
        """
        import pandas as pd

        from coma_xr.retrieve.dataframe import build_dataframe

        def build(joined: _Joined) -> pd.DataFrame:
            return build_dataframe(
                joined.trees,
                variables=variables,
                unfold=unfold,
                where=where,
                definition=[joined.label, *joined.definition],
                recorded=joined.recorded(),
                annotations=joined.annotations(),
                excluded=joined.excluded(),
                doubles=joined.doubles,
            )

        joined = _join(self._opened, self._labels(), first=True, strict=strict)
        frame = joined.built(build, strict=strict)
        labels: Any = frame.pop(frame.columns[0]) if len(frame.columns) else []
        ids = [joined.origins[number - 1][1] for number in frame.index]
        return frame.set_index(
            pd.MultiIndex.from_arrays([labels, ids], names=[joined.label[0], frame.index.name])
        )


def _line(entry: _Entry) -> list[object]:
    """Return what a notebook shows of an experiment, in the columns of `_SHOWN`."""
    about, problem = entry.about, entry.about.get("problem")
    dates = [str(about[key]).partition("T")[0] for key in ("start_date", "end_date") if about.get(key)]
    about_text = about.get("description") or ", ".join(about.get("tags") or ())
    bad = tag("span", problem, class_="coma-bad") if problem else None
    return [
        about.get("id"),
        entry.path,
        about.get("measurements"),
        " to ".join(dict.fromkeys(dates)),
        bad or about_text,
    ]


def _layout(concat: str | None, layout: str | None) -> str | None:
    """Return the layout of what lies along `concat`."""
    check_choice("concat", concat, (_LABEL, "points", None), LayoutError)
    if concat == "points" and layout not in (None, "points"):
        raise LayoutError(
            f"concat='points' has one dim for all measurements and takes no layout={layout!r}.",
            ways=["Leave layout= out."],
        )
    return "points" if concat == "points" else layout


def _column(name: str) -> str:
    if name not in _COLUMNS:
        raise PathError(f"The table of experiments has no column '{name}'.", name=name, available=_COLUMNS)
    return name


def _expanded(pattern: str, settings: Config) -> list[str]:
    """Return the paths that a pattern stands for, sorted."""
    parts = pattern.split("/")
    paths = ["/"] if pattern.startswith("/") else [""]
    for part in [part for part in parts if part]:
        paths = [path for start in paths for path in _step(start, part, settings)]
    return sorted(dict.fromkeys(paths))


def _inside(directory: str, name: str) -> str:
    return files.inside(directory, name) if directory else name


def _step(start: str, part: str, settings: Config) -> list[str]:
    if not _WILD & set(part):
        path = _inside(start, part)
        return [path] if files.exists(path) else []
    if start and not files.is_directory(start):
        return []
    listed = without_own_folders(files.names(start or "."), settings)
    names = [name for name in listed if not name.startswith(".")]
    if part != "**":
        return [_inside(start, name) for name in names if fnmatch.fnmatchcase(name, part)]
    below = [_inside(start, name) for name in names]
    deeper = [path for one in below if files.is_directory(one) for path in _step(one, part, settings)]
    return [start, *(path for path in below if files.is_directory(path)), *deeper]


def _opened(path: str, settings: Config, config: Mapping[str, Any] | None, *, given: bool) -> list[_Entry]:
    """Return the experiment of a path; all of them where several share a directory."""
    try:
        experiment = Experiment(path, "r", config=config)
        return [_Entry(path, experiment, _about(path, experiment))]
    except (ComaError, OSError) as error:
        names = files.names(path) if files.is_directory(path) else []
        owned = sorted(name for name in names if _is_experiment_file(name, settings))
        if len(owned) > 1:
            inside = [_inside(path, name) for name in owned]
            return [entry for file in inside for entry in _opened(file, settings, config, given=True)]
        if not (given or files.is_directory(path)):
            # Any directory can have files that are not experiments.
            return []
        below = [name for name in names if _is_inhabited(_inside(path, name), settings)]
        hint = f" Those below it are opened by {_inside(path, '*')!r}." if below else ""
        return [
            _Entry(
                path,
                None,
                {
                    "path": path,
                    "problem": f"{error.line() if isinstance(error, ComaError) else error}.{hint}",
                },
            )
        ]


def _is_inhabited(path: str, settings: Config) -> bool:
    """Whether a directory holds an experiment file."""
    return files.is_directory(path) and any(_is_experiment_file(name, settings) for name in files.names(path))


def _is_experiment_file(name: str, settings: Config) -> bool:
    return any(settings.experiments(suffix).owns(name) for suffix in (".json", ".xml"))


def _about(path: str, experiment: Experiment) -> dict[str, Any]:
    """Return what the table tells of an experiment; its first measurement tells program and version."""
    now = look_at(experiment, listed=True).now
    about: dict[str, Any] = {
        "id": experiment.id,
        "path": path,
        "description": experiment.description,
        "tags": experiment.tags,
        "measurements": now.number(),
        "start_date": experiment.start_date,
        "end_date": experiment.end_date,
        "program": None,
        "version": None,
        "problem": None,
    }
    try:
        ids = now.measurements.ids()
        info = experiment.measurement(ids[0]).info if ids else {}
        about |= {key: info[key] for key in ("program", "version") if key in info}
    except (ComaError, AttributeError) as error:
        about["problem"] = str(error)
    return about


def _check_options(options: Mapping[str, Any]) -> None:
    if unknown := options.keys() - _DATASET_OPTIONS:
        raise unknown_argument("Experiments.to_dataset", min(unknown), _DATASET_OPTIONS)


def _listed(dims: Any) -> list[Any]:
    """Return what `dims=` asks for as a list of its requests."""
    if isinstance(dims, Mapping):
        return list(dims.items())
    return list(dims) if is_listed(dims) else [dims]


# Their measurements as if they were those of one


@dataclass(frozen=True)
class _Joined:
    """The measurements of several experiments, numbered from 1 on."""

    experiments: Sequence[Records]
    labels: Sequence[Any]
    trees: list[tuple[int, Tree]]
    origins: list[tuple[int, int]]
    path: Path
    definition: list[tuple[str, Path]]
    lacking: list[tuple[str, Path]]

    @property
    def label(self) -> tuple[str, Path]:
        """The name and path of the experiments' labels."""
        return str(self.path[-1]), self.path

    def built(self, build: Callable[[_Joined], _T], *, strict: bool) -> _T:
        """Return what is built of the measurements, without those that hold a value that cannot be read."""
        strict = check_flag("strict", strict)
        try:
            return build(self)
        except DataFileError:
            bad = [e.unreadable() for e in self.experiments]
            if not any(bad):
                raise
        from coma_xr.retrieve.columns import without, without_values

        texts = (
            f"{e.now.path}: {text}"
            for e, found in zip(self.experiments, bad, strict=True)
            for text in found.texts()
        )
        text = listing(texts, 3)
        if strict:
            raise DataFileError(f"Cannot be read: {text}.", ways=[WITHOUT_STRICT])
        warn(f"Left out, since it cannot be read: {text}.", DataFileWarning)
        origins = dict(enumerate(self.origins, 1))
        measurements = {number for number, (place, id) in origins.items() if id in bad[place].measurements}
        arrays = {number: bad[place].arrays.get(id, {}) for number, (place, id) in origins.items()}
        # Names of now: a rename is part of the trees here.
        past = {number: self.experiments[place].past for number, (place, _) in origins.items()}
        paths = {
            number: [path for keys in some for path in (keys, past[number].now(keys))]
            for number, some in arrays.items()
            if some
        }
        return build(replace(self, trees=list(without_values(without(self.trees, measurements), paths))))

    def with_ids(self, ds: xr.Dataset) -> xr.Dataset:
        """Return a Dataset with the ids that the measurements have in their experiments, in the place of their numbers."""
        import numpy as np

        for name in ("coma_id", "measurement_id"):
            if name in ds.coords:
                ids = np.array([0, *(id for _, id in self.origins)])[ds[name].values]
                return ds.assign_coords({name: ds[name].copy(data=ids)})
        return ds

    def annotations(self) -> dict[Path, Any]:
        """Return what was annotated; where experiments say different things, the first one's holds.

        Defaults and former paths are not in it: the trees of each experiment have what its own ones mean.
        """
        notes: dict[Path, Any] = {}
        for e in self.experiments:
            for path, note in e.labels(e.past).items():
                notes[path] = {**note, **notes.get(path, {})}
        return notes

    def recorded(self) -> dict[str, Path]:
        """Return the names that runs have given to paths; where experiments differ, those of the first hold."""
        names: dict[str, Path] = {}
        for e in self.experiments:
            names = {**e.names, **names}
        return names

    def excluded(self) -> dict[int, str]:
        """Return the numbers of the measurements that are excluded, with the reasons."""
        reasons = [e.excluded for e in self.experiments]
        found: dict[int, str] = {}
        for number, _ in self.trees:
            place, id = self.origins[number - 1]
            if id in reasons[place]:
                found[number] = reasons[place][id]
        return found

    def status(self) -> Status:
        """Return the status of the experiments; each has its own parameter sets."""
        from coma_xr.retrieve.dims import Status

        if not self.definition:
            return Status(excluded=self.excluded())
        paths = [path for _, path in self.definition]
        name = self.path[-1]
        known = []
        for label, e in zip(self.labels, self.experiments, strict=True):
            status, past = e.status(), e.past
            known.append((label, replace(status, paths=[past.now(path) for path in status.paths])))
        sets = [
            [label, *(values[list(status.paths).index(path)] for path in paths)]
            for label, status in known
            if set(paths) <= set(status.paths)
            for values in status.sets
        ]
        failures = [
            (id, {**tree, "parameters": {name: label, **_branch(tree)}})
            for e, (label, status) in zip(self.experiments, known, strict=True)
            for id, tree in _applied(status.failures, e.past)
        ]
        times = {status.repeats or 1 for _, status in known if status.sets}
        # Repeats that only some of them requested are reported for none.
        return Status([self.path, *paths], sets, min(times, default=1), failures, self.excluded())

    def doubles(self, numbers: Iterable[int]) -> dict[int, int]:
        """Return which of some measurements record the event of another one of their experiment, and warn."""
        trees, excluded = dict(self.trees), self.excluded()
        order = sorted(numbers, key=lambda number: (number in excluded, number))
        double_ids = doubles((number, trees[number]) for number in order)
        if double_ids:
            places = dict.fromkeys(
                self.experiments[self.origins[number - 1][0]].now.path for number in double_ids
            )
            warn(
                f"{count(len(double_ids), 'measurement')} of {listing(places, 3)} {'records' if len(double_ids) == 1 else 'record'} the "
                f"same event as another one and {'does' if len(double_ids) == 1 else 'do'} not count. duplicates() of these "
                "experiments lists them."
            )
        return double_ids

    def warn_of_lacking(self) -> None:
        """Report parameters that vary in some experiments and are missing in others, and have no dim."""
        for name, path in self.lacking:
            found: dict[int, list[Any]] = {}
            for number, tree in self.trees:
                found.setdefault(self.origins[number - 1][0], []).append(look(tree, path))
            without = [self.labels[place] for place, values in found.items() if NOTHING in values]
            if len({key(value) for values in found.values() for value in values if value is not NOTHING}) > 1:
                warn(
                    f"The parameter '{name}' is not a dim, because {listing(without, 3)} {'lacks' if len(without) == 1 else 'lack'} "
                    "it. Measurements that differ only in it are placed along a dim 'row'. To make it a dim, call "
                    f"annotate({join(path)!r}, default=...) in the experiments that lack it."
                )

    def warn_of_strangers(self, dims: Iterable[Any]) -> None:
        """Report that measurements lie along a dim 'row' because their experiments have no parameter in common."""
        found: dict[int, set[Path]] = {}
        for number, tree in self.trees:
            paths = found.setdefault(self.origins[number - 1][0], set())
            paths.update(path for path, _ in leaves(_branch(tree)) if path != self.path[1:])
        if not {"row", "coma_row"}.isdisjoint(dims) and not set.intersection(*found.values()):
            warn(
                f"{listing(map(str, self.labels), 3)} have no parameter in common, so that their measurements are placed along "
                "a dim 'row'. concat='points' has one dim for all of them, and to_datatree() a Dataset for each experiment."
            )

    def warn_of_doubles(self) -> None:
        """Say which experiments have several measurements of the same parameters; their own ids, which no Dataset knows."""
        found: dict[Any, list[int]] = {}
        for number, tree in self.trees:
            place, _ = self.origins[number - 1]
            found.setdefault((place, key(_branch(tree)), repeat_of(tree)), []).append(number)
        shared = {number for numbers in found.values() if len(numbers) > 1 for number in numbers}
        one_event = doubles((number, tree) for number, tree in self.trees if number in shared)
        found = {name: [n for n in numbers if n not in one_event] for name, numbers in found.items()}
        groups = [
            (name[0], [self.origins[number - 1][1] for number in numbers])
            for name, numbers in found.items()
            if len(numbers) > 1
        ]
        if groups:
            place, ids = groups[0]
            warn(
                f"{listing(dict.fromkeys(str(self.labels[place]) for place, _ in groups))}: {len(groups)} parameter "
                f"set{'s have' if len(groups) > 1 else ' has'} several measurements, {listing(ids, 3)} of "
                f"{self.labels[place]} for example, which lie along a dim 'row'. remove([{ids[-1]}]) of that experiment "
                "moves one away."
            )


def _join(experiments: Sequence[Experiment], labels: Sequence[Any], *, first: bool, strict: bool) -> _Joined:
    """Read the measurements of several experiments."""
    records = [look_at(e, listed=True) for e in experiments]
    _warn_of_units(records, labels)
    found = [
        (place, *pair) for place, e in enumerate(records) for pair in _applied(e.trees(strict=strict), e.past)
    ]
    name = _free_name((tree for *_, tree in found), {name for e in records for name, _ in e.pairs})
    trees: list[tuple[int, Tree]] = []
    for number, (place, _, tree) in enumerate(found, 1):
        label = {name: labels[place]}
        parameters = {**label, **_branch(tree)} if first else {**_branch(tree), **label}
        trees.append((number, {**tree, "parameters": parameters}))
    origins = [(place, id) for place, id, _ in found]
    measured = {place for place, _ in origins}
    # An empty experiment without a definition says nothing about parameters.
    pairs = [e.past.updated(e.pairs) for place, e in enumerate(records) if e.pairs or place in measured]
    shared = _shared(pairs, trees) if pairs else ([], [])
    return _Joined(records, labels, trees, origins, ("parameters", name), *shared)


def _warn_of_units(experiments: Sequence[Records], labels: Sequence[Any]) -> None:
    """Warn where experiments annotate different units, since a variable has one unit."""
    units: dict[Path, dict[str, Any]] = {}
    for label, e in zip(labels, experiments, strict=True):
        for path, note in e.labels(e.past).items():
            if note.get("units") is not None:
                units.setdefault(path, {}).setdefault(note["units"], label)
    texts = [
        f"'{join(path)}' is in " + ", ".join(f"{unit!r} in {label}" for unit, label in found.items())
        for path, found in units.items()
        if len(found) > 1
    ]
    if texts:
        warn(
            f"Units differ: {listing(texts, 3)}. Each variable has its first unit, and no value is converted. "
            "Pass a function as a variable to convert them."
        )


def _applied(trees: Iterable[tuple[int, Tree]], past: Past) -> Iterator[tuple[int, Tree]]:
    """Yield ids and trees with what the annotations of their own experiment let them count as having."""
    found: dict[tuple[Path, Path], list[int]] = {}
    for id, tree in trees:
        for pair in hidden([(id, tree)], past.renames):
            found.setdefault(pair, []).append(id)
        yield id, past.applied(tree)
    warn_of_hidden(found)


def _free_name(trees: Iterable[Tree], names: set[str]) -> str:
    taken = names.union(key for tree in trees for key in _branch(tree))
    name = _LABEL
    while name in taken:
        name = f"coma_{name}"
    return name


def _branch(tree: Tree) -> Mapping[str, Any]:
    parameters = tree.get("parameters")
    return parameters if isinstance(parameters, dict) else {}


def _shared(
    definitions: Sequence[Sequence[tuple[str, Path]]], trees: Iterable[tuple[int, Tree]]
) -> tuple[list[tuple[str, Path]], list[tuple[str, Path]]]:
    """Return the parameters that all experiments have, by the names of the first, and those that some lack.

    An experiment has a parameter if it defines it, or all its measurements record it, as they do a function's default.
    """
    if not all(definitions):
        return [], []
    names = {path: name for definition in reversed(definitions) for name, path in definition}
    order = dict.fromkeys(path for definition in definitions for _, path in definition)
    defined = [{path for _, path in definition} for definition in definitions]
    lacking = {path for path in order if not all(path in paths for paths in defined)}
    if lacking:
        lacking = {path for path in lacking if any(look(tree, path) is NOTHING for _, tree in trees)}
    pairs = [(names[path], path) for path in order]
    return [pair for pair in pairs if pair[1] not in lacking], [pair for pair in pairs if pair[1] in lacking]
