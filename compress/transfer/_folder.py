"""Folders of whole files: on this machine's disk, or anywhere that fsspec reaches.

A file on the disk is written under a hidden name of its own, flushed, renamed, and the folder is flushed; in an object
store a file is put there as a whole. Either way a reader finds a file whole or not at all.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from compress._files import PARTIAL, write_atomically
from compress._version import install

__all__ = ["LocalFolder", "RemoteFolder", "folder_at"]


def folder_at(place) -> LocalFolder | RemoteFolder:
    """Return the folder at a path or URL.

    Parameters
    ----------
    place : str or path
        A path, or a URL such as s3://bucket/folder or memory://folder.

    Raises
    ------
    ImportError
        fsspec, or the package that it needs for the scheme, is not installed.
    ValueError
        No file system has this scheme.
    """
    if isinstance(place, (LocalFolder, RemoteFolder)):
        return place
    text = os.fspath(place)
    scheme = re.match(r"^([a-zA-Z][a-zA-Z0-9+.-]+)://", text)
    if scheme is None or scheme[1].lower() in ("file", "local"):
        return LocalFolder(Path(text if scheme is None else text[scheme.end() :]))
    return RemoteFolder(text)


class LocalFolder:
    """A folder on the disk.

    Parameters
    ----------
    path : path
        The folder, which need not exist yet.
    """

    def __init__(self, path):
        self.path = Path(path).expanduser().absolute()

    def __str__(self) -> str:
        return str(self.path)

    def create(self) -> None:
        """Make the folder, and those above it."""
        self._refuse_file()
        self.path.mkdir(parents=True, exist_ok=True)

    def _refuse_file(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(f"{self.path} is not a folder: give the name of one, or a new name.")

    def names(self) -> list[str]:
        """Return the names of all files, sorted; an empty list where the folder does not exist."""
        self._refuse_file()
        try:
            return sorted(entry.name for entry in os.scandir(self.path))
        except FileNotFoundError:
            return []

    def size(self, name: str) -> int:
        """Return the bytes of a file."""
        return (self.path / name).stat().st_size

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return (self.path / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        """Write a file, which is there as a whole and on the disk when this returns."""
        write_atomically(self.path / name, content)
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        (self.path / name).unlink(missing_ok=True)

    def clean(self) -> None:
        """Remove what writers left behind that were killed; only the one who holds the lock may."""
        for name in self.names():
            if PARTIAL.fullmatch(name):
                self.remove(name)


class RemoteFolder:
    """A folder in a file system of fsspec, such as an object store.

    Parameters
    ----------
    url : str
        The folder, which need not exist yet.
    """

    def __init__(self, url: str):
        self.url = url.rstrip("/")
        try:
            import fsspec
        except ImportError as error:
            raise ImportError(f"{url} needs fsspec: {install('scale')}.") from error
        try:
            self._system, self._root = fsspec.core.url_to_fs(self.url)
        except ValueError as error:
            raise ValueError(
                f"{url} is neither a path nor a URL of a known file system: {error}. "
                f"Known are {', '.join(sorted(fsspec.available_protocols())[:12])}, ..."
            ) from error

    def __reduce__(self):
        return RemoteFolder, (self.url,)

    def __str__(self) -> str:
        return self.url

    def create(self) -> None:
        """Make the folder where the file system has such."""
        self._system.makedirs(self._root, exist_ok=True)

    def names(self) -> list[str]:
        """Return the names of all files, sorted; an empty list where the folder does not exist."""
        self._system.invalidate_cache()
        try:
            return sorted(path.rstrip("/").rsplit("/", 1)[-1] for path in self._system.ls(self._root, detail=False))
        except FileNotFoundError:
            return []

    def size(self, name: str) -> int:
        """Return the bytes of a file."""
        self._system.invalidate_cache()
        return self._system.size(f"{self._root}/{name}")

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return self._system.cat_file(f"{self._root}/{name}")

    def write(self, name: str, content: bytes) -> None:
        """Write a file as a whole."""
        self._system.pipe_file(f"{self._root}/{name}", content)

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self._system.rm_file(f"{self._root}/{name}")

    def clean(self) -> None:
        """Nothing is left behind by a write of a whole file."""
