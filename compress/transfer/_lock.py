"""One writer at a time: a lock file with its owner and a heartbeat.

A writer counts its heartbeats up in the file. Another one that finds the file takes the folder over when the owner's
process is gone, or when the count has stood still for long on the other's own clock; clocks of two machines are never
compared, and a clock that goes backwards does no harm.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from pathlib import Path

from compress.transfer._folder import LocalFolder

__all__ = ["LOCK", "FolderLock", "FolderLocked"]

LOCK = "writer.lock"
BEAT = 5.0  # seconds between heartbeats
STALE = 30.0  # seconds without one after which an owner counts as dead
SETTLE = 1.0  # seconds after which the last of several writers to an object store has won


class FolderLocked(RuntimeError):
    """Another process writes to the folder, or has taken it over."""


class FolderLock:
    """The right to write to a folder, as a context manager.

    Parameters
    ----------
    folder : LocalFolder or RemoteFolder
        The folder, which exists.

    Raises
    ------
    FolderLocked
        On entry, when another writer is alive.
    """

    def __init__(self, folder):
        self.folder = folder
        self._me = {
            "owner": secrets.token_hex(8),
            "host": _host(),
            "pid": os.getpid(),
            "started": _started(os.getpid()),
        }
        self._beat = 0
        self._lost: str | None = None
        self._ended = threading.Event()

    def __enter__(self) -> FolderLock:
        found = self._take(None)
        if found is not None:
            self._watch(found)
            if (another := self._take(found)) is not None:
                raise FolderLocked(_busy(self.folder, another))
        self._thread = threading.Thread(target=self._beats, name="heartbeat", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended.set()
        self._thread.join()
        with self._alone():
            if self._is_mine(self._read()):
                self.folder.remove(LOCK)

    def check(self) -> None:
        """Raise `FolderLocked` when somebody else has taken the folder over."""
        if self._lost is not None:
            raise FolderLocked(self._lost)

    def _watch(self, found: dict) -> None:
        """Return when an owner is dead or gone; raise FolderLocked at its next heartbeat."""
        deadline = time.monotonic() + STALE
        while not _is_dead(found) and time.monotonic() < deadline:
            time.sleep(min(BEAT, STALE) / 10)
            now = self._read()
            if now is None:
                return
            if now != found:
                raise FolderLocked(_busy(self.folder, now))

    def _take(self, dead: dict | None) -> dict | None:
        """Write the lock where it is free or the dead owner's; return the living owner or None."""
        with self._alone():
            found = self._read()
            if found is not None and found != dead and not _is_dead(found):
                return found
            self._write()
        if not isinstance(self.folder, LocalFolder):
            time.sleep(SETTLE)
            found = self._read()
            if not self._is_mine(found):
                raise FolderLocked(_busy(self.folder, found or {}))
        return None

    def _beats(self) -> None:
        while not self._ended.wait(BEAT):
            with contextlib.suppress(OSError), self._alone():  # a full disk or a lost network: the next beat
                found = self._read()
                if not self._is_mine(found):
                    self._lost = _busy(self.folder, found or {})
                    return
                self._beat += 1
                self._write()

    def _is_mine(self, found: dict | None) -> bool:
        return found is not None and found.get("owner") == self._me["owner"]

    def _read(self) -> dict | None:
        try:
            found = json.loads(self.folder.read(LOCK))
        except FileNotFoundError:
            return None
        except ValueError:  # damaged: nobody's
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self) -> None:
        self.folder.write(LOCK, json.dumps({**self._me, "beat": self._beat}).encode())

    @contextlib.contextmanager
    def _alone(self):
        """No other process of this machine reads and writes the lock meanwhile."""
        if not isinstance(self.folder, LocalFolder):
            yield
            return
        try:
            import fcntl
        except ImportError:  # Windows
            yield
            return
        descriptor = os.open(Path(self.folder.path), os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # a file system without such locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _busy(folder, found: dict) -> str:
    return (
        f"{folder} is being written to by another process: {found.get('pid', '?')} on {found.get('host', '?')}. Wait "
        f"until it has ended, or end it; a dead one's lock is taken over after {STALE:g} seconds."
    )


def _is_dead(found: dict) -> bool:
    """Whether the owner was a process of this machine that is there no more."""
    if not found:
        return True
    if found.get("host") != _host() or not isinstance(found.get("pid"), int):
        return False
    try:
        os.kill(found["pid"], 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return found.get("started") not in (None, _started(found["pid"]))


def _host() -> str:
    """Return the name of this machine since it was started."""
    with contextlib.suppress(OSError):
        return f"{socket.gethostname()}/{Path('/proc/sys/kernel/random/boot_id').read_text().strip()[:8]}"
    return socket.gethostname()


def _started(pid: int) -> str | None:
    """Return when a living process was started, in ticks of the kernel: numbers of processes are used again."""
    with contextlib.suppress(OSError, IndexError):
        facts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return None if facts[0] in "ZX" else facts[19]
    return None
