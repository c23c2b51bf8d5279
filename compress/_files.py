"""Files that are either complete or do not exist.

A regular file is written under a hidden name of its own in the same folder, and renamed when it is complete: an old
file stays until then, and each of several writers of one path leaves a whole file. Links are followed, so that a link
stays a link. Other things than files, such as a named pipe or /dev/stdout, cannot be replaced: they are written in
place.
"""

from __future__ import annotations

import errno
import glob
import os
import re
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = [
    "PARTIAL",
    "check_writable",
    "is_special",
    "remove_partials",
    "whole_files",
    "write_all_atomically",
    "write_atomically",
]

PARTIAL = re.compile(r"\..+\.[0-9a-f]{16}", re.DOTALL)  # the hidden names
IN_PLACE = (stat.S_ISFIFO, stat.S_ISCHR)


def write_atomically(path, content: bytes | str) -> Path:
    """Write a file under a temporary name and rename it, so that an old file stays until the new one is complete."""
    path = Path(path)
    write_all_atomically({path: content})
    return path


def write_all_atomically(contents: dict[Path, bytes | str]) -> None:
    """Write files that belong together: all of them are complete on the disk before any is renamed."""
    with whole_files(list(contents)) as partials:
        for (path, content), partial in zip(contents.items(), partials):
            with _named(path):
                _write(partial, content.encode() if isinstance(content, str) else content)


@contextmanager
def whole_files(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield a path to write to for each path; at the end of the block all files are flushed, then take their names.

    When the block ends with an error nothing has changed. A pipe or a device is yielded itself.

    Raises
    ------
    OSError
        A folder does not exist, or a file cannot be written; the error names the path that was asked for.
    ValueError
        A path is a socket or a disk.
    """
    targets = [_target(Path(path)) for path in paths]
    partials = {}
    try:
        for path, target in zip(paths, targets):
            if not is_special(target):
                with _named(path):
                    partials[target] = _new_partial(target)
        try:
            yield [partials.get(target, target) for target in targets]
        except OSError as error:
            hidden = {str(partials[target]): path for path, target in zip(paths, targets) if target in partials}
            if str(error.filename) in hidden:
                error.filename = str(hidden[str(error.filename)])
            raise
        for path, target in zip(paths, targets):
            if target in partials:
                with _named(path):
                    _finish(partials[target], target)
        for path, target in zip(paths, targets):
            if target in partials:
                with _named(path):
                    os.replace(partials[target], target)
    finally:
        for partial in partials.values():
            partial.unlink(missing_ok=True)


def check_writable(path, n_bytes: int = 2**20) -> None:
    """Raise an error, before any work is done, where a file of so many bytes cannot be written.

    Raises
    ------
    OSError
        The folder does not exist, does not allow new files, or has no space left.
    ValueError
        The path is a socket or a disk.
    """
    target = _target(Path(path))
    with _named(path):
        if is_special(target):
            if not os.access(target, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return
        partial = _new_partial(target)
        try:
            _reserve(partial, n_bytes)
        finally:
            partial.unlink(missing_ok=True)


def remove_partials(path) -> None:
    """Remove what writers of a file left behind beside it that were killed; only one who writes it alone may."""
    path = Path(path)
    for found in path.parent.glob(f".{glob.escape(path.name)}.*"):
        if PARTIAL.fullmatch(found.name):
            found.unlink(missing_ok=True)


def is_special(path: Path) -> bool:
    """Whether a path is there and something else than a regular file, so that it is written in place."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _target(path: Path) -> Path:
    """Return the file that a path leads to, through links; refuse what cannot be written."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{path} is a folder: give the name of a file.")
    if mode is not None and not stat.S_ISREG(mode):
        if any(is_kind(mode) for is_kind in IN_PLACE):
            return path
        raise ValueError(f"{path} is neither a file nor a pipe, and is not written to: choose another name.")
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"{path} cannot be written: there is no folder {target.parent}. Make it first, or choose another name."
        )
    return target


def _new_partial(target: Path) -> Path:
    """Make an empty file beside the target, which nobody may read who may not read the target."""
    stem = os.fsencode(target.name)[:100].decode(errors="ignore")  # the whole name may not be longer than 255 bytes
    partial = target.with_name(f".{stem}.{secrets.token_hex(8)}")
    old = _permissions(target)
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if old is None else old | stat.S_IWUSR))
    return partial


def _permissions(path: Path) -> int | None:
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return None


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)


def _finish(partial: Path, target: Path) -> None:
    """Wait until a file is on the disk, and give it the permissions of the file that it will replace."""
    descriptor = os.open(partial, os.O_RDWR)
    try:
        os.fsync(descriptor)  # a full disk may raise its error only here
    finally:
        os.close(descriptor)
    old = _permissions(target)
    if old is not None:
        with suppress(OSError):  # a file system without permissions
            os.chmod(partial, old)


def _reserve(path: Path, n_bytes: int) -> None:
    """Take so many bytes of the disk for a file."""
    if not hasattr(os, "posix_fallocate"):
        return
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.posix_fallocate(descriptor, 0, n_bytes)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
            raise
    finally:
        os.close(descriptor)


@contextmanager
def _named(path) -> Iterator[None]:
    """Let an error of the operating system name the path that was asked for, not the hidden file beside it."""
    try:
        yield
    except OSError as error:
        if error.errno:
            error.filename = str(path)
            del error.filename2  # None would be printed
        raise
