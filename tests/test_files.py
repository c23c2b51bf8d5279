"""Files are whole or not there: several writers, links, pipes, folders that are missing or closed, full disks."""

import errno
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from compress import StudentRegressor
from compress._files import check_writable, whole_files, write_all_atomically, write_atomically

ROUNDS = 60


def test_two_threads_that_save_to_one_path_leave_a_whole_file_each_time(tmp_path):
    path = tmp_path / "student"
    contents = [bytes([letter]) * 200_000 for letter in b"ab"]
    failures = []

    def save(content, barrier):
        barrier.wait()
        try:
            write_atomically(path, content)
        except Exception as error:
            failures.append(error)

    for _ in range(ROUNDS):
        barrier = threading.Barrier(2)
        threads = [threading.Thread(target=save, args=(content, barrier)) for content in contents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert path.read_bytes() in contents
    assert not failures
    assert [p.name for p in tmp_path.iterdir()] == ["student"]


def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path):
    (tmp_path / "versions").mkdir()
    target = tmp_path / "versions" / "one"
    target.write_bytes(b"old")
    link = tmp_path / "current"
    link.symlink_to(Path("versions") / "one")
    write_atomically(link, b"new")
    assert link.is_symlink() and target.read_bytes() == b"new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["current", "versions"]
    target.unlink()
    write_atomically(link, b"again")  # a link to nothing makes what it names
    assert link.is_symlink() and target.read_bytes() == b"again"


def test_a_link_to_itself_is_an_error(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop"):
        write_atomically(tmp_path / "loop", b"new")


def test_a_named_pipe_is_written_in_place(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, b"through the pipe")
    reader.join(10)
    assert read == [b"through the pipe"] and pipe.is_fifo()


def test_a_device_is_written_in_place():
    write_atomically("/dev/null", b"gone")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        write_atomically("/dev/full", b"no room")


def test_a_socket_and_a_folder_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket may not be long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("plug")
        with pytest.raises(ValueError, match="plug is neither a file nor a pipe"):
            write_atomically("plug", b"new")
    with pytest.raises(IsADirectoryError, match="is a folder: give the name of a file"):
        write_atomically(tmp_path, b"new")


def test_an_old_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    for mode in (0o600, 0o440, 0o664):
        path.chmod(mode)
        write_atomically(path, b"new")
        assert path.stat().st_mode & 0o777 == mode
    umask = os.umask(0o027)
    try:
        write_atomically(tmp_path / "fresh", b"new")
    finally:
        os.umask(umask)
    assert (tmp_path / "fresh").stat().st_mode & 0o777 == 0o640


def test_the_longest_name_that_a_folder_takes_can_be_saved(tmp_path):
    for name in ("n" * 255, "ü" * 127):
        write_atomically(tmp_path / name, b"new")
        assert (tmp_path / name).read_bytes() == b"new"
    with pytest.raises(OSError, match="File name too long"):
        write_atomically(tmp_path / ("n" * 256), b"new")


def test_a_missing_folder_is_named_and_no_hidden_file(tmp_path):
    student = StudentRegressor((2,), max_epochs=1).fit([[0.0], [1.0]], [0.0, 1.0])
    with pytest.raises(FileNotFoundError) as caught:
        student.save(tmp_path / "nowhere" / "m.safetensors")
    assert f"there is no folder {tmp_path / 'nowhere'}" in str(caught.value)
    assert "/.m" not in str(caught.value)


def test_errors_name_the_file_that_was_asked_for(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for name in ("fsync", "replace", "write"):
        with monkeypatch.context() as patch, pytest.raises(OSError) as caught:
            patch.setattr(os, name, refuse)
            write_all_atomically({tmp_path / "a": b"a", tmp_path / "b": b"b"})
        assert str(caught.value) == f"[Errno {errno.ENOSPC}] No space left on device: '{tmp_path / 'a'}'"
    with pytest.raises(OSError) as caught, whole_files([tmp_path / "a"]) as (partial,):
        raise OSError(errno.ENOSPC, "full", str(partial))
    assert str(caught.value.filename) == str(tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_a_path_that_cannot_be_written_is_known_beforehand(tmp_path, monkeypatch):
    check_writable(tmp_path / "good")
    check_writable("/dev/null")
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError, match="no folder"):
        check_writable(tmp_path / "no" / "file")
    with pytest.raises(OSError, match="/sys/student"):
        check_writable("/sys/student")

    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left.*good"):
        check_writable(tmp_path / "good")
    assert not list(tmp_path.iterdir())


def test_processes_of_equal_numbers_do_not_share_a_name(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 1)  # as in two containers
    with whole_files([tmp_path / "s"]) as (one,), whole_files([tmp_path / "s"]) as (other,):
        assert one != other


def test_a_killed_process_leaves_the_old_file(tmp_path):
    (tmp_path / "s").write_bytes(b"old")
    code = "import os, signal\nfrom compress._files import whole_files\n"
    code += "with whole_files(['s']) as _: os.kill(os.getpid(), signal.SIGKILL)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment)
    assert done.returncode == -9 and (tmp_path / "s").read_bytes() == b"old"
