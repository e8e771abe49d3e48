"""The only module that touches files: reading, and writing that survives a kill at any step.

A file appears under its final name complete or not at all: it goes to a temporary file in the
same directory (``.coma-tmp-<host>-<pid>-<random>``), which is then linked or renamed into place.
Every refusal of the operating system is raised as a `StorageError` with the steps to take, except
FileNotFoundError and FileExistsError where a caller decides by them.

It is used as ``files.read(...)``, and every system call is written ``os.xxx(...)``, so that tests can put a recorder in
the place of `os`.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import itertools
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from coma_xr.errors import DataFileError, StorageError, warn
from coma_xr.text import beginning_with

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TEMPORARY = ".coma-tmp-"
LIMIT = 256 * 2**20

# Bytes that are read at a time of a file that need not fit into memory.
_PIECE = 2**20
_LONGEST_OF_HOLES = 4 * 2**30  # to read a longer one takes hours

_WINDOWS = os.name == "nt"


def _flags(*flag_names: str) -> int:
    return sum(getattr(os, name, 0) for name in flag_names)


_READ = _flags("O_RDONLY", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
_CREATE = _flags("O_WRONLY", "O_CREAT", "O_EXCL", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY")
_NOTE = _flags("O_WRONLY", "O_CREAT", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY")

# What a file system without hard links, or without renameat2, answers.
_NOT_HERE = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}

# A temporary file vanishes when another machine takes its writer for dead; then it is written again.
_ATTEMPTS = 3

# Tells this process from an earlier one that had the same number.
_token = os.urandom(4).hex()
_count = itertools.count()

# A directory takes a name that it had before faster than a new one.
_free: list[str] = []

_REASONS = {
    errno.ENOSPC: "no space is left on the device; free some and try again",
    errno.EDQUOT: "the disk quota is used up; free some space and try again",
    errno.EACCES: "permission denied; check the owner and mode of it and of its directory",
    errno.EPERM: "permission denied; check the owner and mode of it and of its directory",
    errno.EROFS: "the file system is read-only",
    errno.EMFILE: "this process has too many open files",
    errno.ENAMETOOLONG: "the name is too long for this file system",
    errno.ENOENT: "its directory does not exist",
    errno.ENOTDIR: "its directory is a file",
    errno.EIO: "the disk reports an input/output error",
}


def refusal(error: OSError, what: str, path: str) -> StorageError:
    """Return the StorageError for a refusal of the operating system.

    >>> print(refusal(OSError(28, "No space"), "write", "/data/a.json"))
    [Errno 28] cannot write a.json: no space is left on the device; free some and try again: '/data/a.json'
    """
    number = error.errno or errno.EIO
    reason = _REASONS.get(number) or os.strerror(number).lower()
    return StorageError(number, f"cannot {what} {os.path.basename(path)}: {reason}", path)


@contextmanager
def _told(what: str, path: str, *passed: type[OSError]) -> Iterator[None]:
    """Turn refusals of the operating system into StorageErrors, other than those in `passed`."""
    try:
        yield
    except passed:
        raise
    except OSError as error:
        raise refusal(error, what, path) from error


@cache
def warn_once(text: str) -> None:
    """Warn of something about this machine, once in a process."""
    warn(text)


# ------------------------------------------------------------------------------------------- reading


# Size, time of modification, time of change and inode of a file; of the inode as much as eight bytes hold.
Stamp = tuple[int, int, int, int]
_NO_FILE: Stamp = (-1, 0, 0, 0)
_INODE = 2**63 - 1


def read(path: str, limit: int = LIMIT, stamps: list[Stamp] | None = None, first: int | None = None) -> bytes:
    """Return the content of a regular file, or its `first` bytes; symbolic links are followed, pipes not waited for.

    The stamp that the file had before it was read is added to `stamps`.

    Raise FileNotFoundError when there is no such file, DataFileError when it is not a regular file or is larger than
    `limit` bytes (it is not read then), and StorageError when the operating system refused.
    """
    try:
        descriptor = os.open(path, _READ)
        try:
            status = _status_of_regular(descriptor, path)
            size = status.st_size
            if size > limit:
                raise DataFileError(f"has {size} bytes; at most {limit} are read", where=path)
            if stamps is not None:
                stamps.append(_stamp(status))
            size = size if first is None else min(size, first)
            data = os.read(descriptor, size)
            while len(data) < size and (more := os.read(descriptor, size - len(data))):
                data += more
            return data
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise DataFileError(found="a socket", where=path, expected="a regular file") from error
        raise refusal(error, "read", path) from error


def _status_of_regular(descriptor: int, path: str) -> os.stat_result:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        kind = stat.filemode(status.st_mode)[0]
        found = {"d": "a directory", "p": "a pipe (FIFO)"}.get(kind, "a device")
        raise DataFileError(found=found, where=path, expected="a regular file")
    stored = getattr(status, "st_blocks", status.st_size) * 512
    if status.st_size > max(_LONGEST_OF_HOLES, 100 * stored):
        raise DataFileError(f"has {status.st_size} bytes, mostly holes, and was not read", where=path)
    return status


@contextmanager
def _opened(path: str, flags: int = _READ) -> Iterator[int]:
    """Yield the descriptor of a file or directory, which is closed afterwards."""
    descriptor = os.open(path, flags, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def sha256(path: str, size: int) -> str:
    """Return the SHA-256 of a regular file of `size` bytes, which is read piece by piece.

    Raise FileNotFoundError when there is no such file, DataFileError when it is not a regular file or has another size
    (it is not read then), and StorageError when the operating system refused.
    """
    digest = hashlib.sha256()
    with _told("read", path, FileNotFoundError), _opened(path) as descriptor:
        actual = _status_of_regular(descriptor, path).st_size
        if actual != size:
            raise DataFileError(found=str(actual), where=path, expected=f"{size} bytes")
        while piece := os.read(descriptor, _PIECE):
            digest.update(piece)
    return digest.hexdigest()


def names(directory: str) -> list[str]:
    """Return the names in a directory, in no order; FileNotFoundError when it does not exist."""
    with _told("list", directory, FileNotFoundError):
        return os.listdir(directory)


def names_if_any(directory: str) -> list[str]:
    """Return the names in a directory, sorted; none where no directory has this name."""
    with (
        suppress(FileNotFoundError, NotADirectoryError),
        _told("list", directory, FileNotFoundError, NotADirectoryError),
    ):
        return sorted(os.listdir(directory))
    return []


# Errors of a name that nothing can have; after any other it is not known whether something has it.
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL}


def exists(path: str) -> bool:
    """Whether something has this name, be it a link that leads nowhere; StorageError where the disk does not tell."""
    try:
        os.lstat(path)
    except (FileNotFoundError, ValueError):  # or it has a character that no name has
        return False
    except OSError as error:
        if error.errno in _ABSENT:
            return False
        raise refusal(error, "look for", path) from error
    return True


def inside(directory: str, name: str) -> str:
    """Return the path of a name in a directory."""
    return f"{directory.rstrip(os.sep)}{os.sep}{name}"


def is_directory(path: str) -> bool:
    """Whether there is a directory of this name."""
    return os.path.isdir(path)


def identity(path: str) -> tuple[int, int] | None:
    """Return what is equal for two paths, by links too, that lead to the same; None for one that leads nowhere."""
    with suppress(OSError):
        status = os.stat(path)
        return status.st_dev, status.st_ino
    return None


def is_executable(path: str) -> bool:
    """Whether a file may be run as a program."""
    return os.access(path, os.X_OK)


def is_writable(path: str) -> bool:
    """Whether a file may be written, or names be added to a directory."""
    return os.access(path, os.W_OK)


def stamp(path: str) -> tuple[int, int, int] | None:
    """Return inode, size and time of change of a regular file, equal as long as it is the same; None without it."""
    with suppress(OSError):
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode):
            return status.st_ino, status.st_size, status.st_mtime_ns
    return None


def changed(directory: str) -> tuple[int, int] | None:
    """Return when the names in a directory last changed, by both of its times in nanoseconds; None when this is not known."""
    with suppress(OSError):
        s = os.stat(directory)
        return s.st_mtime_ns, s.st_ctime_ns
    return None


_STAT = attrgetter("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino", "st_mode")


def stamps(directory: str, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the stamps of files of a directory, one in each row; what is no regular file has that of none."""
    import numpy as np

    # The system finds names in an open directory faster than paths; Windows opens none.
    with suppress(OSError, OverflowError), _opened(directory, os.O_RDONLY) as descriptor:
        look = partial(os.stat, dir_fd=descriptor, follow_symlinks=False)
        # No step of it is one of the interpreter, which takes as long as the system does.
        flat = chain.from_iterable(map(_STAT, map(look, names)))
        numbers = np.fromiter(flat, dtype=np.int64, count=5 * len(names)).reshape(-1, 5)
        numbers[numbers[:, 4] & 0o170000 != stat.S_IFREG, :4] = _NO_FILE
        return numbers[:, :4]
    return np.array([own_stamp(inside(directory, name)) for name in names], dtype=np.int64).reshape(-1, 4)


def own_stamp(path: str) -> Stamp:
    """Return the stamp of a file; what is none, a link or a directory has one that no file has."""
    with suppress(OSError):
        return _stamp(os.lstat(path))
    return _NO_FILE


def _stamp(s: os.stat_result) -> Stamp:
    regular = s.st_mode & 0o170000 == stat.S_IFREG
    return (s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino & _INODE) if regular else _NO_FILE


def clock(directory: str) -> int | None:
    """Return the time of the file system of a directory in nanoseconds; None where no file can be created."""
    with suppress(OSError):
        temporary = _write_temporary(os.path.join(directory, "clock"), b"", sync=False)
        try:
            return os.lstat(temporary).st_mtime_ns
        finally:
            _discard(temporary)
    return None


# ------------------------------------------------------------------------------------------- writing


def create(path: str, data: bytes, *, sync: bool) -> None:
    """Write a new file, never in the place of another.

    Raise FileExistsError when the name is taken, and StorageError when the operating system refused; nothing was
    changed then.
    """
    _write(path, data, sync, _link)


def replace(path: str, data: bytes, *, sync: bool = True, verify: bool = False) -> None:
    """Write a file in the place of the one of this name, if any: a reader sees the old or the new one.

    Raise StorageError when the operating system refused, or what was read back differs; the old file is
    untouched.
    """

    def publish(temporary: str, path: str) -> None:
        if verify and read(temporary, limit=len(data)) != data:
            raise StorageError(errno.EIO, "what was written reads back differently", path)
        _patiently(lambda: os.replace(temporary, path))

    _write(path, data, sync, publish)


def swap(path: str, data: bytes) -> bytes | None:
    """Write a file in the place of the one of this name, and return what that one held, None when there was none.

    Where the file system can exchange two names in one step, what another process wrote meanwhile is always returned.

    Raise FileExistsError when another process made the file meanwhile, and StorageError when the operating system
    refused; nothing was changed then.
    """
    replaced: bytes | None = None

    def publish(temporary: str, path: str) -> None:
        nonlocal replaced
        number = _rename(temporary, path, _EXCHANGE)
        if not number:
            replaced = read(temporary)
        elif number != errno.ENOENT and exists(path):
            replaced = read(path)
            _patiently(lambda: os.replace(temporary, path))
        else:
            _link(temporary, path)

    _write(path, data, True, publish)
    return replaced


def _write(path: str, data: bytes, sync: bool, publish: Callable[[str, str], None]) -> None:
    try:
        for attempt in range(_ATTEMPTS):
            temporary = _write_temporary(path, data, sync)
            try:
                publish(temporary, path)
            except FileNotFoundError:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                break
            finally:
                _discard(temporary)
    except (FileExistsError, StorageError):
        raise
    except OSError as error:
        raise refusal(error, "write", path) from error
    if sync:
        sync_directory(os.path.dirname(path))


def _temporary(path: str) -> str:
    directory, separator, _ = path.rpartition(os.sep)
    return f"{directory}{separator}{TEMPORARY}{host()}-{os.getpid()}-{_random()}"


def _random() -> str:
    try:
        return _free.pop()
    except IndexError:
        return f"{_token}{next(_count):x}"


def _write_temporary(path: str, data: bytes, sync: bool) -> str:
    temporary = _temporary(path)
    try:
        _write_new(temporary, data, sync)
    except BaseException:
        _discard(temporary)
        raise
    return temporary


def _write_new(path: str, data: bytes, sync: bool) -> None:
    descriptor = os.open(path, _CREATE, 0o666)
    try:
        written = os.write(descriptor, data)
        while written < len(data):
            written += os.write(descriptor, data[written:])
        if sync:
            _flush(descriptor)
    except OSError:
        # Where the name is the final one, half a file must not bear it.
        with suppress(OSError):
            os.unlink(path)
        raise
    finally:
        os.close(descriptor)


def _delete(path: str) -> None:
    """Delete a file, a symbolic link itself, or a directory with all that is in it."""
    is_own_directory = is_directory(path) and not os.path.islink(path)
    shutil.rmtree(path) if is_own_directory else os.unlink(path)


def _discard(temporary: str) -> None:
    try:
        os.unlink(temporary)
    except FileNotFoundError:
        pass
    except OSError:
        return
    _free.append(temporary.rpartition("-")[2])


def _link(temporary: str, path: str) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        # The answer of a network file system can get lost after the link was made.
        if os.stat(temporary).st_nlink != 2:
            raise
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
        _link_otherwise(temporary, path)


def _link_otherwise(temporary: str, path: str) -> None:
    warn_once(
        f"The file system of {os.path.dirname(path)} has no hard links. coma_xr uses another method, "
        "which does not overwrite files either but is less tested."
    )
    if _WINDOWS:
        os.rename(temporary, path)  # fails there when the name is taken
        return
    number = _rename(temporary, path, _NO_REPLACE)
    if number in _NOT_HERE or number == errno.EINVAL:
        _write_new(path, read(temporary), sync=True)
    elif number:
        raise OSError(number, os.strerror(number), path)


def _patiently(action: Callable[[], None]) -> None:
    # On Windows a file that somebody reads cannot be replaced or deleted for a moment.
    for pause in (0.01, 0.04, 0.15, 0.5, 1.3):
        try:
            return action()
        except PermissionError:
            if not _WINDOWS:
                raise
        time.sleep(pause)
    return action()


def remove(path: str) -> None:
    """Delete one file, or a symbolic link itself; FileNotFoundError when it does not exist."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        raise
    except OSError:
        with _told("delete", path, FileNotFoundError):
            _patiently(lambda: os.unlink(path))


def link(path: str, new: str) -> None:
    """Give a file a second name, never in the place of another file; a copy where there are no hard links.

    Raise FileNotFoundError when there is no such file, FileExistsError when the name is that of another file, and
    StorageError when the operating system refused.
    """
    with _told("move", path, FileNotFoundError, FileExistsError, StorageError):
        try:
            os.link(path, new, follow_symlinks=False)
        except FileExistsError:
            if not os.path.samestat(os.lstat(path), os.lstat(new)):
                raise
        except (OSError, NotImplementedError) as error:  # the latter: no links without following here
            if isinstance(error, OSError) and error.errno not in _NOT_HERE:
                raise
            create(new, read(path), sync=True)


def _is_same(path: str, other: str) -> bool:
    """Whether two names are of one file, or of equal ones, as a copy makes of it."""
    status, others = os.lstat(path), os.lstat(other)
    if os.path.samestat(status, others):
        return True
    is_alike = status.st_size == others.st_size and all(map(stat.S_ISREG, (status.st_mode, others.st_mode)))
    return is_alike and read(path, status.st_size) == read(other, status.st_size)


def move(path: str, new: str) -> None:
    """Give a file another name in the same file system, never in the place of another file.

    Moving again after a kill finishes what was cut off.

    Raise FileNotFoundError when there is no such file, FileExistsError when the name is that of another file, and
    StorageError when the operating system refused.
    """
    with _told("move", path, FileNotFoundError, FileExistsError, StorageError):
        number = _rename(path, new, _NO_REPLACE)
        if number in _NOT_HERE or number == errno.EINVAL:
            link(path, new)
            remove(path)
        elif number == errno.EEXIST and _is_same(path, new):
            remove(path)
        elif number:
            raise OSError(number, os.strerror(number), path)


def create_directory(path: str, name: str, data: bytes, directory: str) -> None:
    """Create a directory with one file in it, below another directory, in one step.

    Raise FileExistsError when the name is taken, and StorageError when the operating system refused; nothing was
    changed then.
    """
    make_directory(os.path.dirname(path))
    # Where the next writer looks for what a killed process left.
    temporary = _temporary(inside(directory, ""))
    with _told("create the directory", path, FileExistsError, StorageError):
        os.mkdir(temporary)
        try:
            create(inside(temporary, name), data, sync=True)
            number = _rename(temporary, path, _NO_REPLACE)
            if number in _NOT_HERE or number == errno.EINVAL:
                os.rename(temporary, path)  # fails as well when something is there
            elif number:
                raise OSError(number, os.strerror(number), path)
        except Exception:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    sync_directory(os.path.dirname(path))


def discard_directory(path: str, directory: str) -> None:
    """Delete a directory below another one with all that is in it, in one step for whoever looks on."""
    # Where the next writer looks for what a killed process left.
    temporary = _temporary(inside(directory, ""))
    with _told("delete", path, FileNotFoundError):
        os.rename(path, temporary)
        shutil.rmtree(temporary)


def discard_if_empty(path: str) -> None:
    """Delete a directory unless something is in it, or it does not exist."""
    with suppress(OSError):
        os.rmdir(path)


def size(path: str) -> int:
    """Return the bytes of a file, or of all files in a directory; 0 for what does not exist."""
    with suppress(FileNotFoundError), _told("read the size of", path, FileNotFoundError):
        status = os.lstat(path)
        if not stat.S_ISDIR(status.st_mode):
            return status.st_size
        with os.scandir(path) as entries:
            return sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
    return 0


def make_directory(path: str) -> None:
    """Create a directory, and its parents where they are missing."""
    path = os.path.abspath(path)
    new, parent = [], path
    while not exists(parent):
        new.append(parent)
        parent = os.path.dirname(parent)
    with _told("create the directory", path):
        os.makedirs(path, exist_ok=True)
    for name in reversed(new):
        sync_directory(os.path.dirname(name))


CACHE = ".coma.cache"
_CACHE_TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# A cache of coma_xr, which can be deleted.\n"


def make_cache(directory: str, name: str = "") -> str:
    """Create the cache of a directory, or a folder in it, if it is missing; return its path.

    Backup programs and git ignore the cache.
    """
    path = os.path.join(directory, CACHE)
    if not os.path.isdir(path):
        with _told("create the directory", path):
            os.makedirs(path, exist_ok=True)
        for file, data in (("CACHEDIR.TAG", _CACHE_TAG), (".gitignore", b"*\n")):
            with suppress(FileExistsError):
                create(os.path.join(path, file), data, sync=False)
    path = os.path.join(path, name)
    with _told("create the directory", path):
        os.makedirs(path, exist_ok=True)
    return path


def discard_cache(directory: str) -> bool:
    """Delete the cache of a directory if it has the mark of one; return whether there was one."""
    path = os.path.join(directory, CACHE)
    if os.path.islink(path) or not os.path.isfile(os.path.join(path, "CACHEDIR.TAG")):
        return False
    with _told("delete", path):
        shutil.rmtree(path)
    return True


def probe(directory: str) -> None:
    """Raise StorageError when no file can be created in a directory."""
    with _told("write in the directory", directory):
        _discard(_write_temporary(os.path.join(directory, "probe"), b"", sync=False))


def note(path: str, data: bytes) -> None:
    """Write into a lock file that this process holds. A reader sees it whole where its length stays the same."""
    with _told("write", path), _opened(path, _NOTE) as descriptor:
        os.write(descriptor, data)
        os.ftruncate(descriptor, len(data))


def is_held(path: str) -> bool | None:
    """Whether a process holds the lock of a lock file; None where that cannot be asked. Nothing is written."""
    with suppress(ImportError, OSError):
        import fcntl

        with _opened(path) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False
    return None


@contextmanager
def placing(path: str, *, overwrite: bool = False, directory: bool = False) -> Iterator[str]:
    """Yield a temporary path for a library that writes by name, and put its file in place afterwards.

    Raise FileExistsError before anything is written when the name is taken and `overwrite` is False, and StorageError
    when the operating system refused; nothing is left behind then.
    """
    if not overwrite and exists(path):
        raise FileExistsError(errno.EEXIST, "this file exists already; overwrite=True takes its place", path)
    parent = os.path.dirname(path) or os.curdir
    if not os.path.isdir(parent):
        raise StorageError(errno.ENOENT, f"the directory {parent} does not exist; create it first", path)
    temporary = _temporary(path) + os.path.splitext(path)[1]
    try:
        with _told("write", path, FileExistsError, StorageError):
            yield temporary
            if directory:
                _place_directory(temporary, path, overwrite)
            else:
                _sync_file(temporary)
                if overwrite:
                    _patiently(lambda: os.replace(temporary, path))
                else:
                    _link(temporary, path)
    finally:
        with suppress(OSError):
            _delete(temporary)
    sync_directory(os.path.dirname(path))


@contextmanager
def reasons_of_refusals(library: str, path: str, size: int) -> Iterator[None]:
    """Raise the operating system's own error where a library, asked to write `size` bytes, raises one without it.

    Raise StorageError when writing the bytes succeeds: the library failed for another reason.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        zeros = memoryview(bytes(2**20))
        with open(path, "ab", buffering=0) as file:
            file.writelines(zeros[: size - begin] for begin in range(0, size, len(zeros)))
        raise StorageError(errno.EIO, f"{library} cannot write it: {error}", path) from error


def _place_directory(temporary: str, path: str, overwrite: bool) -> None:
    """Give a directory its name; an existing one is replaced only if this is one step."""
    for root, _, names_in_it in os.walk(temporary):
        for name in names_in_it:
            _sync_file(os.path.join(root, name))
        sync_directory(root)
    number = _rename(temporary, path, _EXCHANGE if overwrite and exists(path) else _NO_REPLACE)
    if number in _NOT_HERE or number == errno.EINVAL:
        # No such call here: for a moment there is nothing under the name.
        if overwrite and exists(path):
            _delete(path)
        os.rename(temporary, path)
    elif number:
        raise OSError(number, os.strerror(number), path)


# ------------------------------------------------------------------------------------------- syncing


def sync_directory(directory: str) -> None:
    """Return when the names in a directory are on the disk for good."""
    if _WINDOWS:
        return
    try:
        with _opened(directory or os.curdir, os.O_RDONLY) as descriptor:
            os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a directory.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            failure = refusal(error, "sync the directory", directory)
            failure.written = True
            raise failure from error


def sync_everything(directory: str, new: Iterable[str]) -> None:
    """Return when the files `new` (names) of a directory, and their names, are on the disk for good.

    One call does it for the whole file system on Linux; elsewhere each file is synced.
    """
    with _told("sync the directory", directory):
        with _opened(directory, os.O_RDONLY) as descriptor:
            number = _sync_file_system(descriptor)
        if number and number not in _NOT_HERE:
            raise OSError(number, os.strerror(number))
    if number:
        for name in new:
            with suppress(FileNotFoundError):
                _sync_file(os.path.join(directory, name))
    sync_directory(directory)


def _sync_file(path: str) -> None:
    access = os.O_RDWR if _WINDOWS else os.O_RDONLY
    with _told("sync", path, FileNotFoundError), _opened(path, access) as descriptor:
        _flush(descriptor)


# ------------------------------------------------------------------- what Python's os has not


@cache
def _c_library() -> Any:
    return ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


def _call(name: str, *arguments: Any) -> int:
    """Call a function of the C library; return 0 or the number of the error."""
    library = _c_library()
    if library is None or not hasattr(library, name):
        return errno.ENOSYS
    ctypes.set_errno(0)
    return ctypes.get_errno() or errno.EIO if getattr(library, name)(*arguments) else 0


_HERE, _NO_REPLACE, _EXCHANGE = -100, 1, 2


def _rename(source: str, target: str, how: int) -> int:
    """Rename with a condition; return 0 or the number of the error (ENOSYS: not possible here)."""
    return _call("renameat2", _HERE, os.fsencode(source), _HERE, os.fsencode(target), how)


def _sync_file_system(descriptor: int) -> int:
    """Sync the whole file system of an open file; return 0 or the number of the error (ENOSYS: not possible)."""
    return _call("syncfs", descriptor)


def _flush(descriptor: int) -> None:
    """Bring an open file to the disk for good."""
    if sys.platform == "darwin":
        import fcntl

        # fsync reaches only the drive's own memory there.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


# -------------------------------------------------------------------- files of dead writers


@cache
def host() -> str:
    """Return this machine's name, in letters that a file name can have."""
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return "".join(c if c.isascii() and (c.isalnum() or c in ".-_") else "_" for c in name)[:64] or "host"


def _lives(pid: int) -> bool:
    """Whether a process of this machine lives; True where that cannot be known."""
    if _WINDOWS:
        return True
    if pid < 1:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return True


def remove_leftovers(
    directory: str, alive: Collection[tuple[str, int]] = (), listed: Collection[str] | None = None
) -> list[str]:
    """Delete the temporary files of writers that are dead, and return their names."""
    removed = []
    for name in leftovers(directory, alive, listed):
        path = os.path.join(directory, name)
        with suppress(FileNotFoundError), _told("delete", path, FileNotFoundError):
            _delete(path)
            removed.append(name)
    return removed


def leftovers(
    directory: str, alive: Collection[tuple[str, int]] = (), listed: Collection[str] | None = None
) -> list[str]:
    """Return the names of the temporary files of writers that are dead; see `remove_leftovers`."""
    listed = names(directory) if listed is None else listed
    return [name for name in beginning_with(TEMPORARY, listed) if not _writer_lives(name, alive)]


def _writer_lives(name: str, alive: Collection[tuple[str, int]]) -> bool:
    rest, _, token = name.removeprefix(TEMPORARY).rpartition("-")
    machine, _, digits = rest.rpartition("-")
    pid = int(digits) if digits.isascii() and digits.isdigit() else 0
    if machine == host() and pid == os.getpid():
        return token.startswith(_token)
    return (machine, pid) in alive or (machine == host() and _lives(pid))
