"""Further rows with the categories of a table: what the table does not have counts as missing."""

from __future__ import annotations

import numpy as np

from compress.schema._containers import as_table, has_columns, in_container, names_of, native, pandas_of, template_of
from compress.schema._conversion import codes_of
from compress.schema._schema import Schema, as_schema
from compress.schema._values import is_missing

__all__ = ["with_known_categories"]


def with_known_categories(other, X, schema=None):
    """Return further rows in which categories that a table does not have are missing.

    Parameters
    ----------
    other : DataFrame or array
        The further rows.
    X : DataFrame or array
        The table; categoricals of `other` get its dtypes, so that both stack to the same ones.
    schema : None, mapping of column to kind, or Schema, optional
        The kinds of the columns of the table.

    Returns
    -------
    DataFrame or array
        The rows in their own container, or in that of `X` where something was changed.

    Examples
    --------
    >>> import pandas as pd
    >>> from compress.schema import with_known_categories
    >>> known, further = pd.DataFrame({"job": ["cook", "clerk"]}), pd.DataFrame({"job": ["cook", "pilot"]})
    >>> with_known_categories(further, known).job.isna().tolist()
    [False, True]
    """
    X = as_table(X)
    names = names_of(X)
    other = as_table(other, names)
    if names_of(other) != names or np.shape(other)[1:] != np.shape(X)[1:]:
        return other  # stacking says what is wrong
    own = Schema(schema).fit(X) if schema is None or not isinstance(schema, Schema) else as_schema(schema, X)
    columns = [own.columns_[j] for j in own.nominal_]
    if not len(columns):
        return other
    frame = pandas_of(other)
    values = [frame.iloc[:, j] if hasattr(frame, "iloc") else frame[:, j] for j in own.nominal_]
    unknown = {j: _unknown(v, column) for j, v, column in zip(own.nominal_, values, columns)}
    some = {j: rows for j, rows in unknown.items() if rows.any()}
    if not has_columns(other):
        if not some:
            return other
        frame = other.astype(object)
        for j, rows in some.items():
            frame[rows, j] = None
        return frame
    changed = {}
    own_frame = pandas_of(X)
    for j, column in zip(own.nominal_, columns):
        dtype = own_frame.dtypes.iloc[j]
        if hasattr(dtype, "categories"):
            changed[names[j]] = frame.iloc[:, j].astype(object).where(~unknown[j]).astype(dtype)
        elif j in some:
            changed[names[j]] = frame.iloc[:, j].where(~unknown[j], None if column.dtype == "object" else np.nan)
    if not changed:
        return other
    frame = frame.copy()
    for name, column in changed.items():
        frame[name] = column
    return frame if native(X) is None else in_container(frame, template_of(X))


def _unknown(values, column) -> np.ndarray:
    return (codes_of(values, column, "missing") < 0) & ~is_missing(values)
