"""Several experiments: a table of them, and all of their measurements in one Dataset."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

from coma_xr import files
from coma_xr.checks import check_choice, checks_keywords
from coma_xr.errors import ComaError, ExperimentError, LayoutError, ParameterError, PathError, warn
from coma_xr.experiment import Experiment
from coma_xr.html import ROWS, fragment, table, tag
from coma_xr.joining import LABEL, Joined, join
from coma_xr.records import look_at
from coma_xr.store.config import Config
from coma_xr.store.layout import without_own_folders
from coma_xr.text import available, count, listing

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_COLUMNS = (
    *("id", "path", "description", "tags", "measurements", "start_date", "end_date"),
    *("program", "version", "problem"),
)
_SHOWN = ("id", "path", "measurements", "date", "description")
_WILD = frozenset("*?[")


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
    given = paths if isinstance(paths, Iterable) and not isinstance(paths, (str, bytes)) else [paths]
    asked = [files.local_path(path) for path in given]
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
        table = pd.DataFrame(rows, columns=list(_COLUMNS), index=pd.Index(index, name=LABEL))
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
        concat: str | None = LABEL,
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
        import numpy as np

        from coma_xr.retrieve.dataset import build_dataset
        from coma_xr.retrieve.dims import Status

        layout = _layout(concat, options.pop("layout", None))
        chunks = options.pop("chunks", None)
        each = concat == LABEL
        joined = join(self._opened, self._labels(), first=each, strict=strict)
        definition, label = joined.definition, joined.label
        if dims is None and definition and layout != "points":
            dims = definition
            joined.warn_of_lacking()
            joined.warn_of_doubles()

        def build(joined: Joined) -> xr.Dataset:
            return build_dataset(
                joined.trees,
                variables=variables,
                dims=[label, *dims] if dims is not None and each else dims,
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
        if chunks is not None:
            from coma_xr.exports.external import chunked

            ds = chunked(ds, chunks)
        for name in ("coma_id", "measurement_id"):
            if name in ds.coords:
                real = np.array([0, *(id for _, id in joined.origins)])[ds[name].values]
                return ds.assign_coords({name: ds[name].copy(data=real)})
        return ds

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

        def build(joined: Joined) -> pd.DataFrame:
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

        joined = join(self._opened, self._labels(), first=True, strict=strict)
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
    what = about.get("description") or ", ".join(about.get("tags") or ())
    bad = tag("span", problem, class_="coma-bad") if problem else None
    return [
        about.get("id"),
        entry.path,
        about.get("measurements"),
        " to ".join(dict.fromkeys(dates)),
        bad or what,
    ]


def _layout(concat: str | None, layout: str | None) -> str | None:
    """Return the layout of what lies along `concat`."""
    check_choice("concat", concat, (LABEL, "points", None), LayoutError)
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
    found = ["/"] if pattern.startswith("/") else [""]
    for part in [part for part in parts if part]:
        found = [path for start in found for path in _step(start, part, settings)]
    return sorted(dict.fromkeys(found))


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
