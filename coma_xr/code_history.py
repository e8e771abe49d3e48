"""The code states of an experiment: recorded by each run, compared with those of earlier measurements, accepted."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, cast

from coma_xr import files
from coma_xr.checks import check_id, local_path
from coma_xr.code.compiled import is_mistaken
from coma_xr.code.fingerprint import SCHEME, Fingerprint, fingerprint, with_values
from coma_xr.code.git import git_state
from coma_xr.code.sources import FactCache, hash_of_file, hash_of_source
from coma_xr.code.states import (
    ROOT,
    diff,
    has_equal_sources,
    installed,
    is_record,
    packages_of,
    record_of,
    requirements,
    sources_of,
    summary,
    with_packages,
)
from coma_xr.errors import DataFileError, ExperimentError, ParameterError, PathError, Way, warn
from coma_xr.run.signature import LAMBDA, called, defaults, random_arguments
from coma_xr.run.worker import date_text
from coma_xr.text import count, listing

if TYPE_CHECKING:
    import pandas as pd

    from coma_xr.run.plan import Survey
    from coma_xr.run.worker import Work
    from coma_xr.store.place import ExperimentDirectory
    from coma_xr.store.snapshot import Snapshot
    from coma_xr.values.plain import Tree

# Sections of coma.json: states that count as equal, and the states that were reported for each state.
ACCEPTED, REPORTED = "accepted_code", "reported_code"

# What `info` says of a measurement whose packages are not those in the record of its code.
PACKAGES = "packages"

# Names of states in a message.
_MOST = 2


@dataclass(frozen=True)
class RunCode:
    """The code of a run, and what it means for measurements of other code."""

    now: Snapshot
    fingerprint: Fingerprint
    function: str
    inputs: Mapping[str, str]
    accepted: frozenset[str]

    @property
    def hash(self) -> str:
        """The name of the code state."""
        return self.fingerprint.hash

    def is_other(self, code: str) -> bool:
        """Whether measurements of a state count as made by other code."""
        if code == self.hash or {code, self.hash} <= self.accepted:
            return False
        if code in self.reported:
            return True
        return code not in self._equal and not (code in self.accepted and self._equal & self.accepted)

    @property
    def reported(self) -> Sequence[str]:
        """The states that were reported as other code than this one."""
        return cast("Sequence[str]", self.now.sections.get(REPORTED, {}).get(self.hash, []))

    @cached_property
    def _equal(self) -> frozenset[str]:
        """The states that rules of another version have made of the same sources."""
        others = {
            code: record for code, record in records(self.now).items() if record.get("scheme") != SCHEME
        }
        mine = record_of(self.fingerprint, "", None, "") if others else {}
        return frozenset(code for code, record in others.items() if has_equal_sources(record, mine))

    def stale(self, surveyed: Survey) -> dict[Any, list[int]]:
        """Return the parameter sets all of whose measurements were made by other code, with their ids."""
        others = {code for code in set(surveyed.codes.values()) if self.is_other(code)}
        if not others:
            return {}
        return {
            key: ids
            for key, ids in surveyed.ids.items()
            if all(surveyed.codes.get(id) in others for id in ids)
        }

    def others(self, surveyed: Survey) -> dict[str, list[int]]:
        """Return the measurements that were made by other code, by their states."""
        ids_by_code: dict[str, list[int]] = {}
        for ids in self.stale(surveyed).values():
            for id in ids:
                ids_by_code.setdefault(surveyed.codes[id], []).append(id)
        return ids_by_code

    def record(self, place: ExperimentDirectory, *, is_full: bool) -> dict[str, Tree]:
        """Write the record of this state, unless it exists; return what each measurement records of the code."""
        paths = list(self.fingerprint.sources)
        name = f"{self.hash}.json"
        known = self.now.layout.load_code([name]).get(name) if is_full else None
        is_new = is_full and known is None
        git = git_state(paths, others=is_new) if paths else None
        if is_new:
            date = date_text(int(time.time()))
            place.save_code({name: {ROOT: record_of(self.fingerprint, self.function, git, date)}})
        info: dict[str, Tree] = {"code": self.hash, **({} if git is None else git.info)}
        state = known.get(ROOT) if isinstance(known, dict) else None
        # Other versions of packages are no other code; the record stays as it is.
        if isinstance(state, dict) and (updated := [*sorted({*installed()} - {*packages_of(state)})]):
            info[PACKAGES] = updated
        return {**info, "inputs": dict(self.inputs)} if self.inputs else info

    def report(
        self,
        place: ExperimentDirectory,
        others: Mapping[str, Sequence[int]],
        again: Container[int],
        done: Container[int],
    ) -> None:
        """Warn of measurements that were made by other code, once for each pair of states.

        Those in `again` are computed again by this run, those in `done` are of its scan and count as done.
        """
        self._warn_of_edits()
        new = [code for code in others if code not in self.reported]
        if not new:
            return
        known = records(self.now)
        # That another function was run is reported by its name.
        alike = [code for code in new if not _is_other_function(known.get(code), self.function)]
        if alike:
            ids = sorted(id for code in alike for id in others[code])
            kept = [id for id in ids if id not in again]
            self._warn(ids, kept, [id for id in kept if id in done], known.get(alike[-1]))
        codes: list[Tree] = sorted({*self.reported, *others})
        place.change_state(lambda state: state.setdefault(REPORTED, {}).update({self.hash: codes}))

    def _warn_of_edits(self) -> None:
        """Warn of files whose code is not what runs."""
        edited = self.fingerprint.edited
        if not edited:
            return
        way = Way(
            "Restart Python, or reload the module, to run the new code.",
            "Run again to run the new code.",
        )
        if any(map(is_mistaken, edited)):
            text = (
                "Python runs what it compiled before, since the file has the same size and changed within the same second. "
                "Delete the directory __pycache__ next to it to run the new code."
            )
            way = Way(text, text)
        warn(
            f"{listing(edited, _MOST)} was edited after it was imported. {self.function}() runs as it was imported, "
            "and its measurements record that code.",
            way=way,
        )

    def _warn(
        self, ids: Sequence[int], kept: Sequence[int], done: Sequence[int], record: Mapping[str, Any] | None
    ) -> None:
        """Warn of measurements of other code: all of them, those that stay, and those of the latter that the scan has."""
        which = "them" if len(done) == len(kept) else "those of this scan"
        python, terminal = (
            f"Pass code='recompute' to compute {which}",
            f"Pass --code recompute to compute {which}",
        )
        if not done:
            python, terminal = (
                f"Run their parameter sets with {option} to compute them"
                for option in ("code='recompute'", "--code recompute")
            )
        way = Way(
            f"{python} again, or call accept_code() if the results are the same.",
            f"{terminal} again, or --code accept if the results are the same.",
        )
        number = len(ids) - len(kept)
        fate = "They count as done." if kept else "They are computed again."
        if kept and number:
            fate = (
                f"{number} of them {'is' if number == 1 else 'are'} computed again, and "
                f"{len(kept)} {'counts' if len(kept) == 1 else 'count'} as done."
            )
        difference = summary(record, record_of(self.fingerprint, self.function, None, ""))
        warn(
            f"{count(len(ids), 'measurement')} of {self.function}() in {self.now.path} "
            f"{'was' if len(ids) == 1 else 'were'} made by other code, for example {ids[0]}: {difference}. {fate}",
            way=way if kept else None,
        )


def _is_other_function(record: Mapping[str, Any] | None, name: str) -> bool:
    before = name if record is None else record.get("function")
    return before != name and LAMBDA not in (before, name)


def code_of_run(
    now: Snapshot, work: Work, inputs: Sequence[Any], cache: FactCache | None = None
) -> RunCode | None:
    """Return the code of a run, None where the configuration says that none is recorded.

    Raise ParameterError when one of the inputs cannot be read.
    """
    hashes = hashes_of(inputs)
    if now.config.record_code == "off":
        return None
    recorded = [str(path[-1]) for path in work.defaults]
    random = () if work.seeds is None else work.seeds.arguments
    code = fingerprint(work.function, {*recorded, *work.keywords, *random, *work.resources}, cache)
    code = with_values(code, hashes)
    accepted = frozenset(now.sections.get(ACCEPTED, {}))
    return RunCode(now, code, called(work.function), hashes, accepted)


def hashes_of(inputs: Sequence[Any]) -> dict[str, str]:
    """Return the SHA-256 of files by their names as they were given."""
    hashes = {}
    for given in inputs:
        path = local_path(given)
        digest = hash_of_file(path)
        if digest is None:
            raise ParameterError(f"The file {path} does not exist or cannot be read.", where="inputs")
        hashes[str(given)] = digest
    return hashes


def records(now: Snapshot) -> dict[str, dict[str, Any]]:
    """Return the records of all code states that can be used, by their hashes."""
    trees: list[Any] = [tree.get("code") for tree in now.code().values() if isinstance(tree, dict)]
    return {tree["hash"]: tree for tree in trees if is_record(tree)}


def accept(place: ExperimentDirectory, now: Snapshot, codes: Iterable[str]) -> list[str]:
    """Record that code states give the same results; return those that were not accepted before."""
    before = now.sections.get(ACCEPTED, {})
    new = [code for code in dict.fromkeys(codes) if code not in before]
    if new:
        date = date_text(int(time.time()))
        place.change_state(lambda state: state.setdefault(ACCEPTED, {}).update(dict.fromkeys(new, date)))
    return new


def with_code(work: Work, info: Mapping[str, Tree], code: Fingerprint) -> Work:
    """Return the work whose measurements record their code, and whose workers compare the files that they import."""
    # Of a file whose loaded source is not known any more, every version is another one.
    sources = dict.fromkeys(code.edited, "")
    sources |= {path: hash_of_source(path, source.text) for path, source in code.sources.items()}
    return replace(work, provenance={**work.provenance, **info}, sources=sources)


def infos_of(now: Snapshot) -> Iterator[tuple[int, dict[str, Tree]]]:
    """Yield the ids of all measurements with their `info`."""
    for id, tree in now.trees(branches=("info",)):
        info = tree.get("info")
        if isinstance(info, dict):
            yield id, info


def codes_of(now: Snapshot) -> dict[int, str]:
    """Return the code states of all measurements that record one."""
    return {id: str(info["code"]) for id, info in infos_of(now) if "code" in info}


def write_sources(record: Mapping[str, Any], directory: str) -> list[str]:
    """Write the sources of a code state and a requirements file into a new directory; return their names.

    Raise ExperimentError when the directory exists, and DataFileError when a name in the record leads out of
    the directory. Nothing is written.
    """
    path = local_path(directory)
    if files.exists(path):
        raise ExperimentError(f"{path} exists.", ways=["Name a directory that does not exist."])
    texts = {**sources_of(record), _REQUIREMENTS: requirements(record)}
    for name in texts:
        if PurePath(name).is_absolute() or ".." in PurePath(name).parts or "\0" in name:
            raise DataFileError(
                f"the code state names a file {name!r}",
                where=f"code/{record['hash']}.json",
                expected="names of files below the project",
            )
    for name, text in texts.items():
        target = PurePath(path, name)
        files.make_directory(str(target.parent))
        files.create(str(target), text.encode("utf-8", "surrogatepass"), sync=False)
    return list(texts)


_REQUIREMENTS = "requirements.txt"


def states_table(now: Snapshot, infos: Iterable[Mapping[str, Tree]] | None = None) -> pd.DataFrame:
    """Return a row for each code state, see `Experiment.code`; `infos` are those of the measurements, if read already."""
    import pandas as pd

    known, accepted = records(now), now.sections.get(ACCEPTED, {})
    made: dict[str, list[Mapping[str, Tree]]] = {code: [] for code in known}
    for info in (info for _, info in infos_of(now)) if infos is None else infos:
        if "code" in info:
            made.setdefault(str(info["code"]), []).append(info)
    rows = [_row(made[code], known.get(code, {}), code in accepted) for code in made]
    table = pd.DataFrame(rows, index=pd.Index(list(made), name="code", dtype=object), columns=_COLUMNS)
    return table.sort_values("first", kind="stable")


def state_record(now: Snapshot, which: int | str) -> dict[str, Any]:
    """Return the record of a code state, or of that of a measurement; PathError when there is none."""
    code, updated = which, None
    if not isinstance(which, str):
        info = now.measurements.read(check_id(which)).get("info", {})
        if "code" not in info:
            raise PathError(
                f"Measurement {which} in {now.path} does not record its code.",
                ways=[
                    Way(
                        "See e.code() for the recorded states.",
                        "Run `coma-xr code` to list the recorded states.",
                    )
                ],
            )
        code, updated = info["code"], info.get(PACKAGES)
    known = records(now)
    if code not in known:
        raise PathError(
            f"There is no record of the code state {code!r} in {now.path}.",
            name=str(code),
            available=known,
        )
    return with_packages(known[str(code)], updated if isinstance(updated, list) else [])


def difference(now: Snapshot, old: int | str, new: int | str | Callable[..., Any]) -> str:
    """Return a unified diff of the code of two measurements or states, or of one and a function."""
    before = state_record(now, old)
    if not callable(new):
        return diff(before, state_record(now, new))
    # The arguments whose defaults are recorded as parameters when it is run with a scan.
    arguments = [*defaults(new, ()), *random_arguments(new, ())]
    return diff(before, record_of(fingerprint(new, arguments), called(new), None, ""))


def accept_all(place: ExperimentDirectory) -> list[str]:
    """Record that all code that has made measurements, or was run last, gives the same results; return what is new."""
    now = place.look(listed=True)
    return accept(place, now, [*records(now), *codes_of(now).values(), *now.sections.get(REPORTED, {})])


def code_states(now: Snapshot) -> dict[int, str]:
    """Return the code states of measurements, if there may be several; else nothing, without reading them."""
    sections = now.sections
    if len(now.code_names()) < 2 and not sections.get(REPORTED) and not sections.get(ACCEPTED):
        return {}
    codes = codes_of(now)
    return codes if len(set(codes.values())) > 1 else {}


def changes(known: Mapping[str, Mapping[str, Any]], codes: Sequence[str]) -> list[str]:
    """Return for each of several code states in which definitions it differs from the state before."""
    pairs = itertools.pairwise(codes)
    texts = [summary(known.get(old), known[new]) if new in known else "" for old, new in pairs]
    return ["", *(text.removeprefix("they differ in ") for text in texts)][: len(codes)]


def environment_of(record: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return what the record of a code state tells about the machine and the interpreter, and the installed packages."""
    environment = record.get("environment")
    environment = environment if isinstance(environment, dict) else {}
    cores = f" ({environment['cores']} cores)" if environment.get("cores") else ""
    job = environment.get("job")
    texts = {
        "interpreter": ""
        if environment.get("implementation") == "CPython"
        else environment.get("implementation"),
        "platform": environment.get("platform"),
        "CPU": f"{environment['cpu']}{cores}" if environment.get("cpu") else "",
        "BLAS": environment.get("blas"),
        "job": ", ".join(map(str, job)) if isinstance(job, list) else "",
    }
    return {name: str(text) for name, text in texts.items() if text}, packages_of(record)


_COLUMNS = ["function", "measurements", "first", "last", "commit", "dirty", "host", "accepted"]


def _row(infos: Sequence[Mapping[str, Any]], record: Mapping[str, Any], is_accepted: bool) -> list[Any]:
    git = record.get("git", {})
    dates = sorted(str(info["start_date"]) for info in infos if "start_date" in info)
    hosts = dict.fromkeys(str(info["host"]) for info in infos if "host" in info)
    ends = (dates[0], dates[-1]) if dates else (record.get("date"), record.get("date"))
    about = git.get("commit"), git.get("dirty"), ", ".join(hosts)
    return [record.get("function"), len(infos), *ends, *about, is_accepted]
