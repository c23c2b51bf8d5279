"""A teacher's answers as columns of a table: what `label` writes and `fit --taught` reads, and what `predict` writes.

The columns that `label` writes say of which class they are, and what it is: `teacher::probability::text::007` is of the
class "007", `teacher::probability::int::7` of the class 7. No column to learn from may begin with `teacher::`. The
names say all of it, in CSV as in Parquet, since other programs drop the metadata of a Parquet file when they write it
again.
"""

from __future__ import annotations

import numpy as np

__all__ = ["PREFIX", "answer_names", "answers_frame", "split_answers"]

PREFIX = "teacher::"
PROBABILITY, LOGIT, VALUE = f"{PREFIX}probability::", f"{PREFIX}logit::", f"{PREFIX}value"
SUM_TOLERANCE = 1e-3  # float32 probabilities of many classes sum to 1 within about this
TYPES = {"text": str, "int": int, "float": float, "bool": lambda text: {"True": True, "False": False}[text]}


def answer_names(kind: str, classes, shape: tuple) -> list[str]:
    """Return the names of the columns of a teacher's answers.

    Parameters
    ----------
    kind : {"probabilities", "logits", "values"}
        What the answers are.
    classes : array of shape (n_classes,) or None
        The label of each column; None for values.
    shape : tuple of int
        The shape of the answers, (n_rows,) or (n_rows, n_columns).

    Raises
    ------
    ValueError
        A class is neither text nor a number.
    """
    if kind == "values":
        return [VALUE] if len(shape) == 1 else [f"{VALUE}::{i}" for i in range(shape[1])]
    prefix = PROBABILITY if kind == "probabilities" else LOGIT
    return [f"{prefix}{_type_of(c)}::{c}" for c in np.asarray(classes).tolist()]


def answers_frame(targets: np.ndarray, classes):
    """Return a teacher's answers as columns that `split_answers` knows.

    Parameters
    ----------
    targets : array of shape (n_rows,) or (n_rows, n_columns)
        The answers.
    classes : array of shape (n_classes,) or None
        The label of each column of probabilities; None for values.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.transfer import answers_frame
    >>> list(answers_frame(np.array([[0.2, 0.8]]), np.array(["no", "yes"])))
    ['teacher::probability::text::no', 'teacher::probability::text::yes']
    """
    import pandas as pd

    names = answer_names("values" if classes is None else "probabilities", classes, targets.shape)
    return pd.DataFrame(targets.reshape(len(targets), -1), columns=names)


def split_answers(frame, path):
    """Return the names of the answers' columns, targets, and classes or None of a table that `label` wrote.

    Parameters
    ----------
    frame : DataFrame
        The table.
    path : str or path
        What errors call it.

    Raises
    ------
    ValueError
        The table has no answers, they are of several kinds, or they are not probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.transfer import answers_frame, split_answers
    >>> frame = answers_frame(np.array([[0.2, 0.8]]), np.array(["no", "yes"])).assign(age=40)
    >>> names, targets, classes = split_answers(frame, "rows.parquet")
    >>> targets, classes
    (array([[0.2, 0.8]], dtype=float32), array(['no', 'yes'], dtype='<U3'))
    """
    columns = [name for name in frame.columns if str(name).startswith(PREFIX)]
    if not columns:
        raise ValueError(
            f"{path} has no column {PROBABILITY}... or {VALUE}: it is not a table with a teacher's answers. "
            "Make one with `python -m compress label`."
        )
    numbers = _numbers(frame, columns, path)
    if all(name == VALUE or name.startswith(f"{VALUE}::") for name in columns):
        return columns, numbers[:, 0] if columns == [VALUE] else numbers, None
    classes = _classes(columns, path)
    _check_probabilities(numbers, path)
    return columns, numbers.astype(np.float32), classes


def _numbers(frame, columns: list, path) -> np.ndarray:
    try:
        numbers = frame[columns].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: a teacher's answers must be numbers: {error}.") from error
    bad = ~np.isfinite(numbers).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{path}: a teacher's answers must be numbers, but they are missing or infinite in {int(bad.sum())} rows, "
            f"the first of them row {int(bad.argmax()) + 1}. Label these rows again, or remove them."
        )
    return numbers


def _classes(columns: list[str], path) -> np.ndarray:
    """Return the classes that the names of the columns say."""
    classes = []
    for name in columns:
        kind, _, text = name.removeprefix(PROBABILITY).partition("::")
        try:
            classes.append(TYPES[kind](text))
        except (KeyError, ValueError):
            kind = None
        if kind is None or not name.startswith(PROBABILITY) or str(classes[-1]) != text:
            raise ValueError(
                f"{path}: no answer of `label` is called {name!r}, but {PROBABILITY}TYPE::CLASS, where TYPE is one of "
                f"{', '.join(TYPES)}. Rename the column, or label the rows again."
            )
    if len(set(classes)) < max(len(classes), 2):
        raise ValueError(f"{path}: a teacher's answers must be for at least 2 different classes, got {classes}.")
    of_one_type = len({type(value) for value in classes}) == 1
    array = np.array(classes, dtype=None if of_one_type else object)
    exact = array.tolist() == classes and set(map(type, array.tolist())) == set(map(type, classes))
    return array if exact else np.array(classes, dtype=object)  # NumPy makes floats of [0, 2**63]


def _check_probabilities(numbers: np.ndarray, path) -> None:
    sums = numbers.sum(axis=1)
    bad = (numbers < -SUM_TOLERANCE).any(axis=1) | (np.abs(sums - 1) > SUM_TOLERANCE)
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"{path}: the answers of a teacher must be probabilities, none below 0 and of sum 1 in each row, but "
            f"{int(bad.sum())} rows are not: row {row + 1} has {numbers[row].tolist()[:8]}, of sum {sums[row]:.6g}. "
            "Label these rows again, or divide each row by its sum."
        )


def _type_of(value) -> str:
    for name, kind in (("bool", bool), ("int", int), ("float", float), ("text", str)):
        if isinstance(value, kind):
            return name
    raise ValueError(
        f"a teacher's classes must be texts, numbers or booleans to be written, got {value!r} of type "
        f"{type(value).__name__}."
    )
