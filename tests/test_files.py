"""Files are written whole or not at all, read without waiting, and every refusal says what to do."""

from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import filelock
import pytest

from coma_xr import files
from coma_xr.errors import ComaWarning, DataFileError, StorageError


class Refusing:
    """Stands for `os`, and refuses one call; logs all that were made."""

    def __init__(self, call="", number=0, times=10**6):
        self.call, self.number, self.times = call, number, times
        self.log = []

    def __getattr__(self, name):
        real = getattr(os, name)
        if not callable(real) or isinstance(real, type):
            return real

        def recorded(*arguments, **keywords):
            self.log.append(name)
            if name == self.call and self.times > 0:
                self.times -= 1
                raise OSError(self.number, os.strerror(self.number), arguments[0] if arguments else None)
            return real(*arguments, **keywords)

        return recorded


@pytest.fixture
def refusing(monkeypatch):
    def install(call="", number=0, times=10**6):
        fake = Refusing(call, number, times)
        monkeypatch.setattr(files, "os", fake)
        files.warn_once.cache_clear()
        return fake

    return install


# ------------------------------------------------------------------------------------------- reading


def test_a_file_is_read_whole(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100_000)
    assert files.read(str(path)) == b"x" * 100_000
    assert files.read(str(path), limit=100_000) == b"x" * 100_000


def test_a_file_that_comes_in_pieces_is_read_whole(tmp_path, monkeypatch):
    class Slow(Refusing):
        def __getattr__(self, name):
            return (lambda fd, size: os.read(fd, min(size, 3))) if name == "read" else getattr(os, name)

    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    monkeypatch.setattr(files, "os", Slow())
    assert files.read(str(path)) == b"0123456789"


def test_a_lacking_file_is_a_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.read(str(tmp_path / "a"))


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    with pytest.raises(DataFileError, match=r"a: has 5 bytes; at most 4 are read\.$"):
        files.read(str(path), limit=4)


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "a")
    with pytest.raises(DataFileError, match=r"a: expected a regular file, found a pipe \(FIFO\)\.$"):
        files.read(str(tmp_path / "a"))


def test_a_directory_and_a_socket_are_refused(tmp_path, monkeypatch):
    with pytest.raises(DataFileError, match=r"expected a regular file, found a directory\.$"):
        files.read(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        with pytest.raises(DataFileError, match=r"s: expected a regular file, found a socket\.$"):
            files.read("s")


def test_symbolic_links_are_read_through(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").symlink_to("a")
    assert files.read(str(tmp_path / "b")) == b"1"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (
            errno.EACCES,
            "cannot read a: permission denied; check the owner and mode of it and of its directory",
        ),
        (errno.EIO, "cannot read a: the disk reports an input/output error"),
        (errno.EMFILE, "cannot read a: this process has too many open files"),
        (errno.ELOOP, "cannot read a: too many levels of symbolic links"),
    ],
)
def test_a_refusal_to_read_says_what_to_do(tmp_path, refusing, number, text):
    refusing("open", number)
    path = str(tmp_path / "a")
    with pytest.raises(StorageError) as caught:
        files.read(path)
    assert (caught.value.errno, caught.value.strerror, caught.value.filename) == (number, text, path)
    assert str(caught.value) == f"[Errno {number}] {text}: {path!r}"


def test_names_of_a_directory(tmp_path, refusing):
    (tmp_path / "a").touch()
    assert files.names(str(tmp_path)) == ["a"]
    with pytest.raises(FileNotFoundError):
        files.names(str(tmp_path / "b"))
    refusing("listdir", errno.EACCES)
    with pytest.raises(StorageError, match=r"cannot list .*: permission denied"):
        files.names(str(tmp_path))


def test_a_link_that_leads_nowhere_exists(tmp_path):
    (tmp_path / "a").symlink_to("nowhere")
    assert files.exists(str(tmp_path / "a"))
    assert not files.exists(str(tmp_path / "b"))
    assert files.is_directory(str(tmp_path))


def test_a_stamp_changes_with_the_file(tmp_path):
    path = str(tmp_path / "a")
    assert files.stamp(path) is None
    files.create(path, b"1", sync=False)
    first = files.stamp(path)
    assert files.stamp(path) == first
    files.replace(path, b"22", sync=False)
    assert files.stamp(path) != first


# ------------------------------------------------------------------------------------------- writing


def test_a_created_file_has_the_users_mode_and_leaves_no_other(tmp_path):
    old = os.umask(0o027)
    try:
        files.create(str(tmp_path / "a"), b"data", sync=True)
    finally:
        os.umask(old)
    assert (tmp_path / "a").read_bytes() == b"data"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("target", ["file", "link to nowhere"])
def test_create_never_takes_the_place_of_another(tmp_path, target):
    path = tmp_path / "a"
    path.write_bytes(b"old") if target == "file" else path.symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        files.create(str(path), b"new", sync=False)
    assert os.listdir(tmp_path) == ["a"]
    assert not (tmp_path / "nowhere").exists()
    if target == "file":
        assert path.read_bytes() == b"old"


def test_many_writers_of_the_same_names_win_each_name_once(tmp_path):
    won = []

    def write(writer):
        for number in range(50):
            try:
                files.create(str(tmp_path / f"{number}"), f"{writer}".encode() * 1000, sync=False)
            except FileExistsError:
                continue
            won.append((number, writer))

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(number for number, _ in won) == list(range(50))
    assert all((tmp_path / f"{number}").read_text() == f"{writer}" * 1000 for number, writer in won)


@pytest.mark.parametrize(
    ("call", "sync", "order"),
    [
        (files.create, True, ["open", "write", "fsync", "close", "link", "unlink", "open", "fsync", "close"]),
        (files.create, False, ["open", "write", "close", "link", "unlink"]),
        (
            files.replace,
            True,
            ["open", "write", "fsync", "close", "replace", "unlink", "open", "fsync", "close"],
        ),
    ],
)
def test_the_order_of_calls_is_the_protocol(tmp_path, refusing, call, sync, order):
    fake = refusing()
    call(str(tmp_path / "a"), b"data", sync=sync)
    assert [name for name in fake.log if name not in ("getpid", "uname")] == order


def test_a_file_that_is_written_in_pieces_is_whole(tmp_path, monkeypatch):
    class Slow(Refusing):
        def __getattr__(self, name):
            return (lambda fd, data: os.write(fd, data[:3])) if name == "write" else getattr(os, name)

    monkeypatch.setattr(files, "os", Slow())
    files.create(str(tmp_path / "a"), b"0123456789", sync=False)
    assert (tmp_path / "a").read_bytes() == b"0123456789"


@pytest.mark.parametrize("write", [files.create, files.replace])
@pytest.mark.parametrize("call", ["open", "write", "fsync", "link", "replace"])
def test_a_refused_write_leaves_nothing_and_says_what_to_do(tmp_path, refusing, write, call):
    if call == {files.create: "replace", files.replace: "link"}[write]:
        return
    refusing(call, errno.ENOSPC)
    text = (
        r"cannot (write a|sync the directory .*): no space is left on the device; free some and try again: "
    )
    with pytest.raises(StorageError, match=text) as caught:
        write(str(tmp_path / "a"), b"data", sync=True)
    assert caught.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == []


def test_a_sync_is_not_tried_a_second_time(tmp_path, refusing):
    fake = refusing("fsync", errno.EIO)
    with pytest.raises(StorageError, match="cannot write a: the disk reports an input/output error"):
        files.create(str(tmp_path / "a"), b"data", sync=True)
    assert fake.log.count("fsync") == 1


def test_writing_into_a_directory_that_is_gone_says_so(tmp_path):
    with pytest.raises(StorageError, match="cannot write a: its directory does not exist"):
        files.create(str(tmp_path / "gone" / "a"), b"", sync=False)


def test_a_temporary_file_that_vanishes_is_written_again(tmp_path, monkeypatch):
    "Another machine took us for dead."

    class Vanishing(Refusing):
        def __getattr__(self, name):
            if name == "link":
                return self.link
            return getattr(os, name)

        def link(self, source, target):
            self.log.append("link")
            if len(self.log) == 1:
                os.unlink(source)
            os.link(source, target)

    fake = Vanishing()
    monkeypatch.setattr(files, "os", fake)
    files.create(str(tmp_path / "a"), b"data", sync=False)
    assert fake.log == ["link", "link"]
    assert (tmp_path / "a").read_bytes() == b"data"


def test_a_link_whose_answer_got_lost_counts(tmp_path, monkeypatch):
    class Forgetful(Refusing):
        def __getattr__(self, name):
            return self.link if name == "link" else getattr(os, name)

        def link(self, source, target):
            os.link(source, target)
            os.link(source, target)

    monkeypatch.setattr(files, "os", Forgetful())
    files.create(str(tmp_path / "a"), b"data", sync=False)
    assert (tmp_path / "a").read_bytes() == b"data"


@pytest.mark.parametrize("renames", [True, False])
@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_without_hard_links_nothing_is_overwritten_either(tmp_path, refusing, monkeypatch, renames, number):
    refusing("link", number)
    if not renames:
        monkeypatch.setattr(files, "_rename", lambda source, target, how: errno.EINVAL)
    with pytest.warns(ComaWarning, match="has no hard links. coma_xr uses another method"):
        files.create(str(tmp_path / "a"), b"data", sync=True)
    # Said once; a second warning would be an error here.
    with pytest.raises(FileExistsError):
        files.create(str(tmp_path / "a"), b"other", sync=True)
    assert (tmp_path / "a").read_bytes() == b"data"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize(
    "read", [lambda path: files.read(path, 2**62), lambda path: files.sha256(path, 2**40)]
)
def test_a_file_of_holes_is_not_read(tmp_path, read):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(DataFileError, match=f"^{path}: has {2**40} bytes, mostly holes, and was not"):
        read(str(path))


@pytest.mark.parametrize("renames", [True, False])
def test_without_hard_links_a_full_disk_leaves_no_half_file(tmp_path, refusing, monkeypatch, renames):
    fake = refusing("link", errno.EPERM)
    if not renames:
        monkeypatch.setattr(files, "_rename", lambda source, target, how: errno.EINVAL)
    else:
        monkeypatch.setattr(files, "_rename", lambda source, target, how: errno.ENOSPC)
    monkeypatch.setattr(files, "warn_once", lambda text: None)
    real_open, opened = os.open, []

    def full_for_the_second(path, *arguments):
        opened.append(path)
        if os.path.basename(path) == "a":
            fake.call = "write"
            fake.number = errno.ENOSPC
        return real_open(path, *arguments)

    fake.open = full_for_the_second
    with pytest.raises(StorageError) as caught:
        files.create(str(tmp_path / "a"), b"data", sync=True)
    assert caught.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == []


def test_replace_writes_over_a_file_and_not_through_a_link(tmp_path):
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "a").symlink_to("target")
    files.replace(str(tmp_path / "a"), b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert not (tmp_path / "a").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"old"


def test_what_reads_back_differently_does_not_take_the_place(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(files, "read", lambda path, limit: b"dat\0")
    with pytest.raises(StorageError, match="what was written reads back differently"):
        files.replace(str(tmp_path / "a"), b"data", verify=True)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_on_windows_a_file_that_is_being_read_is_replaced_a_moment_later(tmp_path, refusing, monkeypatch):
    monkeypatch.setattr(files, "_WINDOWS", True)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    fake = refusing("replace", errno.EACCES, times=3)
    files.replace(str(tmp_path / "a"), b"data")
    assert fake.log.count("replace") == 4
    refusing("replace", errno.EACCES)
    with pytest.raises(StorageError, match="permission denied"):
        files.replace(str(tmp_path / "a"), b"other")
    assert (tmp_path / "a").read_bytes() == b"data"


def test_removing(tmp_path, refusing):
    (tmp_path / "a").touch()
    (tmp_path / "b").symlink_to("a")
    files.remove(str(tmp_path / "b"))
    assert os.listdir(tmp_path) == ["a"]
    with pytest.raises(FileNotFoundError):
        files.remove(str(tmp_path / "b"))
    refusing("unlink", errno.EROFS)
    with pytest.raises(StorageError, match="cannot delete a: the file system is read-only"):
        files.remove(str(tmp_path / "a"))


def test_making_a_directory_with_its_parents(tmp_path):
    files.make_directory(str(tmp_path / "a" / "b"))
    files.make_directory(str(tmp_path / "a" / "b"))
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot create the directory c: its directory is a file"):
        files.make_directory(str(tmp_path / "file" / "c"))


def test_making_a_directory_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files.make_directory("a/b")
    assert (tmp_path / "a" / "b").is_dir()


def test_probing_a_directory(tmp_path, refusing):
    files.probe(str(tmp_path))
    assert os.listdir(tmp_path) == []
    refusing("open", errno.EROFS)
    with pytest.raises(StorageError, match=f"cannot write in the directory {tmp_path.name}: .* is read-only"):
        files.probe(str(tmp_path))


# ------------------------------------------------------------------------------- for other libraries


def test_placing_puts_a_librarys_file_in_place(tmp_path):
    path = tmp_path / "a.nc"
    with files.placing(str(path)) as temporary:
        assert Path(temporary).parent == tmp_path
        assert Path(temporary).suffix == ".nc"
        Path(temporary).write_bytes(b"data")
        assert not path.exists()
    assert path.read_bytes() == b"data"
    assert os.listdir(tmp_path) == ["a.nc"]


def test_placing_overwrites_only_when_asked(tmp_path):
    path = tmp_path / "a.nc"
    path.write_bytes(b"old")
    with (
        pytest.raises(FileExistsError, match="exists already; overwrite=True takes its place"),
        files.placing(str(path)),
    ):
        raise AssertionError("nothing is written first")
    with files.placing(str(path), overwrite=True) as temporary:
        Path(temporary).write_bytes(b"new")
    assert path.read_bytes() == b"new"


def test_placing_leaves_nothing_when_the_library_fails(tmp_path):
    path = tmp_path / "a.nc"
    with pytest.raises(ZeroDivisionError), files.placing(str(path)) as temporary:
        Path(temporary).write_bytes(bytes(1 // 0))
    assert os.listdir(tmp_path) == []
    with (
        pytest.raises(StorageError, match=r"cannot write a\.nc: its directory does not exist"),
        files.placing(str(path)),
    ):
        pass


# ------------------------------------------------------------------------------------------- syncing


def test_everything_is_synced_one_by_one_where_no_call_does_it_at_once(tmp_path, refusing, monkeypatch):
    for name in "ab":
        (tmp_path / name).touch()
    fake = refusing()
    files.sync_everything(str(tmp_path), ["a", "b", "removed meanwhile"])
    assert fake.log.count("fsync") == 1
    monkeypatch.setattr(files, "_sync_file_system", lambda descriptor: errno.ENOSYS)
    fake = refusing()
    files.sync_everything(str(tmp_path), ["a", "b", "removed meanwhile"])
    assert fake.log.count("fsync") == 3


def test_a_sync_that_fails_is_an_error(tmp_path, refusing, monkeypatch):
    monkeypatch.setattr(files, "_sync_file_system", lambda descriptor: errno.EIO)
    with pytest.raises(
        StorageError, match=r"cannot sync the directory .*: the disk reports an input/output error"
    ):
        files.sync_everything(str(tmp_path), [])
    refusing("fsync", errno.EIO)
    with pytest.raises(StorageError, match="cannot sync the directory"):
        files.sync_directory(str(tmp_path))
    refusing("fsync", errno.EINVAL)
    files.sync_directory(str(tmp_path))


# ------------------------------------------------------------------------------ what dead writers left


def test_temporary_files_of_dead_writers_are_removed_and_those_of_living_ones_stay(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host, mine = files.host(), os.getpid()
    gone = {
        f"{host}-{dead.pid}-abc",
        f"{host}-{mine}-anothertoken0",
        "elsewhere-12-abc",
        "x",
        f"{host}-0-abc",
    }
    kept = {f"{host}-{os.getppid()}-abc", f"{host}-{mine}-{files._token}0", "alive-14-abc"}
    for name in gone | kept:
        (tmp_path / f"{files.TEMPORARY}{name}").touch()
    (tmp_path / "measurement.000001.json").touch()
    removed = files.remove_leftovers(str(tmp_path), alive=[("alive", 14)])
    assert set(removed) == {f"{files.TEMPORARY}{name}" for name in gone}
    assert set(os.listdir(tmp_path)) == {f"{files.TEMPORARY}{n}" for n in kept} | {"measurement.000001.json"}
    for name in kept:
        (tmp_path / f"{files.TEMPORARY}{name}").unlink()


def test_a_note_is_written_over(tmp_path):
    path = tmp_path / "lock"
    path.write_bytes(b"something longer")
    files.note(str(path), b"short")
    assert path.read_bytes() == b"short"
    with pytest.raises(StorageError, match="cannot write a: its directory does not exist"):
        files.note(str(tmp_path / "lacking" / "a"), b"")


def test_whether_a_lock_is_held_is_asked_without_a_trace(tmp_path):
    path = tmp_path / "lock"
    assert files.is_held(str(path)) is None
    assert not path.exists()
    with filelock.FileLock(path):
        path.chmod(0o444)
        assert files.is_held(str(path)) is True
        assert files.is_held(str(path)) is True
    assert files.is_held(str(path)) is False


def test_a_host_name_becomes_a_part_of_file_names(monkeypatch):
    class Named(Refusing):
        def uname(self):
            return os.uname_result(("Linux", "grün/host name", "", "", ""))

    monkeypatch.setattr(files, "os", Named())
    files.host.cache_clear()
    try:
        assert files.host() == "gr_n_host_name"
    finally:
        files.host.cache_clear()


def test_a_temporary_file_that_always_vanishes_is_given_up(tmp_path, refusing):
    refusing("link", errno.ENOENT)
    with pytest.raises(StorageError, match="cannot write a: its directory does not exist"):
        files.create(str(tmp_path / "a"), b"data", sync=False)
    assert os.listdir(tmp_path) == []


def test_a_library_that_cannot_sync_its_file_is_an_error(tmp_path, refusing):
    refusing("fsync", errno.EIO)
    with (
        pytest.raises(
            StorageError, match=r"cannot sync \.coma-tmp-.*\.nc: the disk reports an input/output error"
        ),
        files.placing(str(tmp_path / "a.nc")) as temporary,
    ):
        Path(temporary).touch()
    assert os.listdir(tmp_path) == []


def test_every_new_directory_on_the_way_is_synced(tmp_path, refusing):
    fake = refusing()
    files.make_directory(str(tmp_path / "a" / "b" / "c"))
    assert fake.log.count("fsync") == 3
    files.make_directory(str(tmp_path / "a" / "b" / "c"))
    assert fake.log.count("fsync") == 3


def test_a_file_gets_a_second_name_that_no_other_file_has(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    for _ in range(2):  # it may have the name already
        files.link(str(one), str(two))
        assert one.samefile(two)
    two.unlink()
    two.write_text("1")
    with pytest.raises(FileExistsError):
        files.link(str(one), str(two))
    with pytest.raises(FileNotFoundError):
        files.link(str(tmp_path / "none"), str(tmp_path / "three"))
    assert two.read_text() == "1"


def test_a_symbolic_link_gets_the_second_name_itself(tmp_path):
    (tmp_path / "one").write_text("1")
    (tmp_path / "link").symlink_to("one")
    files.link(str(tmp_path / "link"), str(tmp_path / "two"))
    assert (tmp_path / "two").is_symlink()


def test_without_hard_links_a_second_name_is_a_copy(tmp_path, refusing):
    (tmp_path / "one").write_text("1")
    refusing("link", errno.EPERM)
    with pytest.warns(ComaWarning, match="has no hard links"):
        files.link(str(tmp_path / "one"), str(tmp_path / "two"))
    assert (tmp_path / "two").read_text() == "1"
    with pytest.raises(FileExistsError):
        files.link(str(tmp_path / "one"), str(tmp_path / "two"))


def test_a_refusal_to_give_a_second_name_says_what_to_do(tmp_path, refusing):
    (tmp_path / "one").write_text("1")
    refusing("link", errno.EROFS)
    with pytest.raises(StorageError, match="cannot move one: the file system is read-only"):
        files.link(str(tmp_path / "one"), str(tmp_path / "two"))


def test_leftovers_are_told_without_being_removed(tmp_path):
    dead = f".coma-tmp-{files.host()}-999999999-a"
    for name in (dead, ".coma-tmp-elsewhere-12-a", f".coma-tmp-{files.host()}-{os.getppid()}-a"):
        (tmp_path / name).touch()
    assert files.leftovers(str(tmp_path), [("elsewhere", 12)]) == [dead]
    assert (tmp_path / dead).exists()
    for file in tmp_path.iterdir():
        file.unlink()


def test_moving_again_finishes_with_an_equal_copy_under_the_new_name(tmp_path):
    for name, content in (("a", b"data"), ("b", b"data"), ("c", b"date")):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FileExistsError):
        files.move(str(tmp_path / "a"), str(tmp_path / "c"))
    files.move(str(tmp_path / "a"), str(tmp_path / "b"))
    assert sorted(os.listdir(tmp_path)) == ["b", "c"]


def test_what_another_process_writes_between_is_not_lost(tmp_path, monkeypatch):
    path, real = tmp_path / "a", files.read
    path.write_bytes(b"old")

    def read(*arguments):
        data = real(*arguments)
        path.write_bytes(b"other")
        return data

    monkeypatch.setattr(files, "read", read)
    replaced = files.swap(str(path), b"new")
    assert b"other" in (replaced, path.read_bytes())


def test_a_file_that_is_made_between_is_not_overwritten(tmp_path, monkeypatch):
    path = tmp_path / "a"
    monkeypatch.setattr(files, "_rename", lambda *_: path.write_bytes(b"other") and errno.ENOENT)
    with pytest.raises(FileExistsError):
        files.swap(str(path), b"new")
    assert path.read_bytes() == b"other"


def test_a_directory_is_made_never_in_the_place_of_another(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileExistsError):
        files.create_directory(str(tmp_path / "folder"), "record", b"data", str(tmp_path))
    assert os.listdir(tmp_path) == ["folder"]
    assert not os.listdir(tmp_path / "folder")


def test_a_directory_goes_in_one_step(tmp_path, monkeypatch):
    folder, there = tmp_path / "folder", []
    folder.mkdir()
    monkeypatch.setattr(files.shutil, "rmtree", lambda _: there.append(folder.exists()))
    files.discard_directory(str(folder), str(tmp_path))
    assert there == [False]
    next(tmp_path.glob(f"{files.TEMPORARY}*")).rmdir()


def test_a_placed_directory_never_takes_the_place_of_another(tmp_path):
    folder = tmp_path / "a.zarr"

    def place():
        with files.placing(str(folder), directory=True) as temporary:
            os.mkdir(temporary)
            folder.mkdir()

    with pytest.raises(FileExistsError):
        place()
    assert os.listdir(tmp_path) == ["a.zarr"]


def test_placing_does_not_overwrite_what_came_meanwhile(tmp_path):
    def place():
        with files.placing(str(tmp_path / "a")) as temporary:
            Path(temporary).write_bytes(b"new")
            (tmp_path / "a").write_bytes(b"other")

    with pytest.raises(FileExistsError):
        place()
    assert (tmp_path / "a").read_bytes() == b"other"


def test_a_digest_of_another_size_is_not_computed(tmp_path):
    (tmp_path / "a").write_bytes(b"data")
    assert files.sha256(str(tmp_path / "a"), 4).startswith("3a6eb0790f39ac87")
    with pytest.raises(DataFileError, match="expected 5 bytes, found 4"):
        files.sha256(str(tmp_path / "a"), 5)
