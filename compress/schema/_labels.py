"""The front door for labels: any container of them as an array, and their positions among the classes."""

from __future__ import annotations

import numpy as np

from compress.schema._containers import has_columns, names_of, pandas_of
from compress.schema._values import is_missing, listed

__all__ = ["as_labels", "class_codes", "class_names", "columns_of_classes", "same_classes"]


def as_labels(y, name: str = "y"):
    """Return labels or values as a NumPy array, whatever container they come in.

    Parameters
    ----------
    y : object
        A list, an array, or a column or table of pandas, polars or Arrow.
    name : str, default="y"
        The name of the labels, for error messages.

    Raises
    ------
    ValueError
        A label among objects or texts is missing, or rows hold different numbers of labels.

    Examples
    --------
    >>> import pandas as pd
    >>> from compress.schema import as_labels
    >>> as_labels(pd.Series([1, 0]))
    array([1, 0])
    """
    if hasattr(y, "toarray"):
        raise TypeError(f"Sparse {name} is not supported, got a {type(y).__name__}. Use {name}.toarray().")
    if len(getattr(y, "shape", ())) == 2:
        y = pandas_of(y)
    if hasattr(y, "to_pylist") and str(y.type).startswith("dictionary"):  # to_numpy would give the codes
        y = np.array(y.to_pylist(), dtype=object)
    if hasattr(y, "iloc") and getattr(y, "ndim", 1) == 2:
        y = y.iloc[:, 0] if y.shape[1] == 1 else y.to_numpy()
    dtype = getattr(y, "dtype", None)
    if hasattr(y, "isna") and getattr(dtype, "kind", "O") in "biuf" and hasattr(dtype, "numpy_dtype"):
        if not y.isna().any():  # pandas' nullable and Arrow numbers
            return y.to_numpy(dtype=dtype.numpy_dtype)
        return y.to_numpy(dtype=np.float64, na_value=np.nan)
    try:
        array = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y)
    except ValueError as error:
        raise ValueError(f"{name} must hold one label for each row, got rows of different lengths ({error}).") from None
    if array.dtype.kind != "O" or array.ndim != 1:
        return array
    missing = is_missing(array)
    if missing.any():
        raise ValueError(
            f"Input {name} contains NaN: a label is missing in {int(missing.sum())} of {len(array)} rows (first: row "
            f"{int(np.argmax(missing))}). Leave these rows out, or give them a label of their own."
        )
    return _numbers_or_objects(array, name)


def _numbers_or_objects(array, name: str):
    """Return an array of objects as numbers where all of them are, and refuse numbers among texts."""
    kinds = {type(label) for label in array}
    if all(issubclass(kind, str) for kind in kinds):
        return array
    if any(issubclass(kind, str) for kind in kinds):
        raise TypeError(
            f"{name} must hold texts only or numbers only, got both: {listed(kind.__name__ for kind in kinds)}. "
            "Turn all labels into text, for instance with y.astype(str)."
        )
    try:
        plain = np.array(array.tolist())
    except ValueError:
        return array
    if plain.dtype.kind == "O":
        plain = np.array([float(v) for v in array]) if all(hasattr(kind, "__float__") for kind in kinds) else array
    return plain if plain.ndim == 1 and plain.dtype.kind in "biuf" else array


def class_names(table) -> list | None:
    """Return the classes that the columns of a table of probabilities name; None where they have no names.

    Parameters
    ----------
    table : object
        The probabilities, with a column for each class; pandas' numbers by default are no names.

    Examples
    --------
    >>> import pandas as pd
    >>> from compress.schema import class_names
    >>> class_names(pd.DataFrame({"no": [0.1], "yes": [0.9]}))
    ['no', 'yes']
    """
    if isinstance(table, np.ndarray | list) or len(getattr(table, "shape", ())) != 2 or not has_columns(table):
        return None
    default = hasattr(table, "iloc") and type(table.columns).__name__ == "RangeIndex"
    return None if default else names_of(table)


def columns_of_classes(names: list | None, classes, name: str):
    """Return the position of each class among the names of columns; None where they name no class.

    Parameters
    ----------
    names : list or None
        The names of the columns, as text or as the classes themselves.
    classes : array of shape (n_classes,) or None
        The classes.
    name : str
        What has the columns, for error messages.

    Raises
    ------
    ValueError
        Some of the classes are named, but not all.

    Examples
    --------
    >>> from compress.schema import columns_of_classes
    >>> columns_of_classes(["yes", "no"], ["no", "yes"], "the table")
    array([1, 0])
    """
    if names is None or classes is None:
        return None
    order = class_codes(classes, names, None)
    if (order < 0).all():  # polars has texts as names only
        order = class_codes([str(label) for label in np.asarray(classes).tolist()], [str(n) for n in names], None)
    if (order < 0).all():
        return None
    if (order < 0).any():
        raise ValueError(f"the columns of {name} must be the classes {list(classes)}, in any order; got {names}.")
    return order


def class_codes(labels, classes, name: str | None = "y") -> np.ndarray:
    """Return the position of each label among the classes, which may be in any order and of any type.

    Parameters
    ----------
    labels : array of shape (n_rows,)
        The labels.
    classes : array of shape (n_classes,)
        The classes.
    name : str or None, default="y"
        The name of the labels, for error messages. With None an unknown label gets the position -1.

    Returns
    -------
    int array of shape (n_rows,)
        The positions.

    Raises
    ------
    ValueError
        A label is none of the classes, and `name` is given.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.schema import class_codes
    >>> class_codes(np.array(["yes", "no", "yes"]), np.array(["no", "yes"]))
    array([1, 0, 1])
    """
    labels, classes = np.asarray(labels), np.asarray(classes)
    known = {label: k for k, label in enumerate(classes.tolist())}
    values = labels.tolist()
    codes = np.fromiter((known.get(label, -1) for label in values), dtype=np.intp, count=len(values))
    unknown = codes < 0
    if unknown.any() and name is not None:
        raise ValueError(
            f"{name} holds {values[int(np.argmax(unknown))]!r}, which is none of the classes [{listed(classes, 20)}]. "
            "Labels must have the type and the spelling of the classes."
        )
    return codes


def same_classes(first, second) -> bool:
    """Return whether two arrays hold the same classes, in any order.

    Parameters
    ----------
    first, second : arrays of shape (n_classes,)
        The classes.

    Examples
    --------
    >>> from compress.schema import same_classes
    >>> same_classes(["no", "yes"], ["yes", "no"])
    True
    """
    first, second = np.asarray(first).tolist(), np.asarray(second).tolist()
    return len(first) == len(second) and set(first) == set(second)
