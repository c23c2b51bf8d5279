"""Columns of a schema as plain data: attributes as arrays, with defaults left out.

A table of a thousand numbers takes a few bytes a column besides its ranges. Until format 2 of students' files each
column was an object with nine entries, about 250 bytes; `expanded` is where both forms meet.
"""

from __future__ import annotations

from compress.schema._values import plain

__all__ = ["COLUMN_ARRAYS", "compact", "expanded", "n_columns_of"]

FLAGS = ("integer", "missing", "ordered")
COLUMN_ARRAYS = {"name", "dtype", "nominal", "low", "high", "categories", *FLAGS}


def compact(columns) -> dict:
    """Return columns as an object of arrays.

    Parameters
    ----------
    columns : list of Column
        The columns in the order of the table.

    Returns
    -------
    dict
        `name` has the names; it is left out where they are 0, 1, 2, ... `dtype` is a list, or one text for all columns.
        `low` and `high` are those of the continuous columns, `categories` those of the nominal ones. `nominal`,
        `integer`, `missing` and `ordered` are the positions of the columns for which they hold, true for all columns
        (`integer`: all continuous ones), and are left out for none.
    """
    names, dtypes = [plain(c.name) for c in columns], [c.dtype for c in columns]
    continuous, nominal = ([c for c in columns if (c.kind == "nominal") == wanted] for wanted in (False, True))
    made = {
        "name": names,
        "dtype": dtypes[0] if len(set(dtypes)) == 1 else dtypes,
        "nominal": _positions([c.kind == "nominal" for c in columns]),
        "low": [c.low for c in continuous],
        "high": [c.high for c in continuous],
        "categories": [[plain(v) for v in c.categories] for c in nominal],
        "integer": True
        if continuous and all(c.integer for c in continuous)
        else _positions([c.integer for c in columns]),
        "missing": _positions([c.missing for c in columns]),
        "ordered": _positions([c.ordered for c in columns]),
    }
    if names == list(range(len(columns))) and not any(isinstance(name, bool | float) for name in names):
        del made["name"]
    return {key: value for key, value in made.items() if value != []}


def _positions(flags: list[bool]) -> list[int] | bool:
    return True if all(flags) else [j for j, flag in enumerate(flags) if flag]


def n_columns_of(arrays: dict) -> int:
    """Return the number of columns that `compact` has written.

    Parameters
    ----------
    arrays : dict
        The result of `compact`.
    """
    return len(arrays.get("low", ())) + len(arrays.get("categories", ()))


def expanded(columns) -> list[dict]:
    """Return an object with all attributes for each column.

    Parameters
    ----------
    columns : dict or list of dict
        The result of `compact`, or columns that are objects already, as in older files, which are returned unchanged.

    Examples
    --------
    >>> from compress.schema import Schema, expanded
    >>> import numpy as np
    >>> compact = Schema().fit(np.eye(2)).to_dict()["columns"]
    >>> [column["kind"] for column in expanded(compact)]
    ['continuous', 'continuous']
    """
    if not isinstance(columns, dict):
        return columns
    n, dtype = n_columns_of(columns), columns["dtype"]
    is_nominal = _flags(columns.get("nominal", []), range(n), n)
    numbers = [j for j in range(n) if not is_nominal[j]]
    flags = {key: _flags(columns.get(key, []), numbers if key == "integer" else range(n), n) for key in FLAGS}
    ranges = iter(zip(columns.get("low", ()), columns.get("high", ())))
    categories = iter(columns.get("categories", ()))
    made = []
    for j in range(n):
        low, high = (0.0, 0.0) if is_nominal[j] else next(ranges)
        made.append(
            {
                "name": columns["name"][j] if "name" in columns else j,
                "kind": "nominal" if is_nominal[j] else "continuous",
                "dtype": dtype if isinstance(dtype, str) else dtype[j],
                "low": low,
                "high": high,
                "categories": next(categories) if is_nominal[j] else [],
                **{key: flags[key][j] for key in FLAGS},
            }
        )
    return made


def _flags(given: list[int] | bool, of_all, n: int) -> list[bool]:
    """Return one flag for each of n columns, from positions or from true, which means those of `of_all`."""
    there = set(of_all if given is True else given)
    return [j in there for j in range(n)]
