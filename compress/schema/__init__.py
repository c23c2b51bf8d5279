"""Schema: what the columns of a table are, and the two plain blocks that everything else computes on.

A table comes in as a DataFrame of pandas or polars, an Arrow table, a list of dicts or a NumPy array, and is *encoded*
to two blocks,

    continuous : float array of shape (n_rows, n_continuous), NaN where missing
    nominal    : int32 array of shape (n_rows, n_nominal), codes from 0, -1 where missing

and *decoded* back to the container, column order, dtypes and categories it came with. Generators and students see
the blocks only, so that none of them has to know about containers; a teacher gets rows in the container of the table.

The continuous block is float32 when every training value is exactly a float32 (all data of small
integers, all float32 data) and float64 otherwise, so that decoding an encoded table gives the
values back to the last bit.

This room is on the way to a student's predictor, so that scikit-learn, pandas and narwhals are imported late in it.
"""

from compress.schema._bounds import MOST_MARGIN, bounds_of, margin_of
from compress.schema._checks import (
    LearningSet,
    check_columns,
    check_validation_pair,
    checked_table,
    hold_out,
    learning_weights,
    split_rows,
)
from compress.schema._column import Column
from compress.schema._compiled import compiled
from compress.schema._containers import as_table, has_columns, names_of, pandas_of
from compress.schema._described import check_schema, check_values, described_classes, is_number, must
from compress.schema._holdout import holdout_split
from compress.schema._known import with_known_categories
from compress.schema._labels import as_labels, class_codes, class_names, columns_of_classes, same_classes
from compress.schema._memory import check_fits
from compress.schema._moved import moved
from compress.schema._multi_valued import EncodedFields, FieldEncoder
from compress.schema._plain import COLUMN_ARRAYS, expanded, n_columns_of
from compress.schema._rows import columns_taken, stack_tables, take
from compress.schema._schema import Schema, as_schema
from compress.schema._table import Encoded
from compress.schema._targets import classification_targets, compared_labels, compared_values, regression_targets
from compress.schema._values import is_missing, numbers_of

__all__ = [
    "COLUMN_ARRAYS",
    "MOST_MARGIN",
    "Column",
    "Encoded",
    "EncodedFields",
    "FieldEncoder",
    "LearningSet",
    "Schema",
    "as_labels",
    "as_schema",
    "as_table",
    "bounds_of",
    "check_columns",
    "check_fits",
    "check_schema",
    "check_validation_pair",
    "check_values",
    "checked_table",
    "class_codes",
    "class_names",
    "classification_targets",
    "columns_of_classes",
    "columns_taken",
    "compared_labels",
    "compared_values",
    "compiled",
    "described_classes",
    "expanded",
    "has_columns",
    "hold_out",
    "holdout_split",
    "is_missing",
    "is_number",
    "learning_weights",
    "moved",
    "n_columns_of",
    "margin_of",
    "must",
    "names_of",
    "numbers_of",
    "pandas_of",
    "regression_targets",
    "same_classes",
    "split_rows",
    "stack_tables",
    "take",
    "with_known_categories",
]
