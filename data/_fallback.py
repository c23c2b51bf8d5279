"""A second way to a data set, through scikit-learn's own downloads, if packages cannot be had.

`fetch_covtype` gives the very table of the package, so the sha256 is checked as
usual. OpenML's copies have the same values but may print and order them otherwise:
they get a file name of their own, `NAME.openml.csv.gz`, and no sha256 to meet.
Splits of such a copy are not the splits of the published results.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from data import _builders

__all__ = ["FALLBACKS", "fallback", "openml_file"]


@dataclass(frozen=True)
class OpenML:
    """A data set of openml.org: its number, its rows, the names its columns get here."""

    data_id: int
    rows: int
    columns: list[str]
    classes: dict[str, str] | None = None


FALLBACKS: dict[str, OpenML | None] = {
    "magic": OpenML(1120, 19_020, _builders.MAGIC_COLUMNS),
    # OpenML's copy lacks 5 of the 6,435 rows.
    "satellite": OpenML(182, 6_430, _builders.SATELLITE_COLUMNS, _builders.SATELLITE_CLASSES),
    "casp": OpenML(42903, 45_730, _builders.CASP_COLUMNS),
    "covtype_full": None,
}


def openml_file(name: str) -> str:
    """The name under which OpenML's copy of a data set lies in the cache."""
    return f"{name}.openml.csv.gz"


def fallback(name: str) -> dict[str, bytes]:
    """The files of data set `name` from scikit-learn: file name -> uncompressed content.

    Raises
    ------
    ValueError
        If what comes has not the expected rows or columns.
    """
    entry = FALLBACKS[name]
    if entry is None:
        from sklearn.datasets import fetch_covtype

        table = fetch_covtype(as_frame=True).frame
        # scikit-learn counts the one-hot columns from 0, the package from 1
        table = table.set_axis([*table.columns[:10], *_one_hot_names(), "Cover_Type"], axis=1).astype("int64")
        return {"covtype_full.csv.gz": _builders.table_text(_builders.fold_covtype(table))}

    from sklearn.datasets import fetch_openml

    bunch = fetch_openml(data_id=entry.data_id, as_frame=True)
    return {openml_file(name): openml_text(entry, bunch.data, bunch.target)}


def openml_text(entry: OpenML, data: pd.DataFrame, target: pd.Series) -> bytes:
    """OpenML's table under the column and class names used here."""
    expected = (entry.rows, len(entry.columns))
    if data.shape != expected:
        raise ValueError(f"OpenML {entry.data_id} must have shape {expected}, got {data.shape}.")
    table = data.set_axis(entry.columns, axis=1)
    if entry.classes is None:
        table["target"] = target.to_numpy()
    else:
        table["target"] = [entry.classes[str(int(float(label)))] for label in target]
    return _builders.table_text(table)


def _one_hot_names() -> list[str]:
    blocks = (("Wilderness_Area", 4), ("Soil_Type", 40))
    return [f"{name}{i}" for name, size in blocks for i in range(1, size + 1)]
