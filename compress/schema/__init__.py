"""Schema: what the columns of a table are, and the two plain blocks that everything else computes on.

A table comes in as a pandas DataFrame or a NumPy array and is *encoded* to two blocks,

    continuous : float array of shape (n_rows, n_continuous), NaN where missing
    nominal    : int32 array of shape (n_rows, n_nominal), codes from 0, -1 where missing

and *decoded* back to the container, column order, dtypes and categories it came with. Generators,
teachers and students see the blocks only, so that none of them has to know about pandas.

The continuous block is float32 when every training value is exactly a float32 (all data of small
integers, all float32 data) and float64 otherwise, so that decoding an encoded table gives the
values back to the last bit.
"""

from compress.schema._checks import (
    LearningSet,
    check_validation_pair,
    checked_table,
    classification_targets,
    hold_out,
    learning_weights,
    regression_targets,
    split_rows,
)
from compress.schema._column import Column
from compress.schema._holdout import holdout_split
from compress.schema._moved import moved
from compress.schema._multi_valued import EncodedFields, FieldEncoder
from compress.schema._rows import stack_tables, take
from compress.schema._schema import Schema, as_schema
from compress.schema._table import Encoded
from compress.schema._values import is_missing, numbers_of

__all__ = [
    "Column",
    "Encoded",
    "EncodedFields",
    "FieldEncoder",
    "LearningSet",
    "Schema",
    "as_schema",
    "check_validation_pair",
    "checked_table",
    "classification_targets",
    "hold_out",
    "holdout_split",
    "is_missing",
    "learning_weights",
    "moved",
    "numbers_of",
    "regression_targets",
    "split_rows",
    "stack_tables",
    "take",
]
