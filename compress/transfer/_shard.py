"""One shard: the rows of a stretch and the teacher's answers for them, as the bytes of a Parquet file.

A shard is a table as `python -m compress label` writes it: the columns of the rows in their own types, then those of
the answers, named as `compress.transfer._answers` says. The same rows give the same bytes.
"""

from __future__ import annotations

import io

import numpy as np

from compress._version import install
from compress.schema import Encoded, Schema, has_columns, pandas_of
from compress.transfer._answers import SUM_TOLERANCE

__all__ = ["read_shard", "require_pyarrow", "shard_bytes"]

# of the numbers in a shard, more than what they take in memory: a file that claims more is not unpacked
LARGEST_CELL = 1 << 16


def require_pyarrow() -> None:
    """Raise an ImportError that says how to install pyarrow where it is missing."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ImportError(f"shards are Parquet files and need pyarrow: {install('scale')}.") from error


def shard_bytes(X, targets: np.ndarray | None, names: list[str]) -> bytes:
    """Return the Parquet file of some rows and their answers.

    Parameters
    ----------
    X : DataFrame, Arrow table or array of shape (n_rows, n_columns)
        The rows.
    targets : array of shape (n_rows,) or (n_rows, n_outputs), or None
        The answers; None for rows without any.
    names : list of str
        The names of the columns of the answers.

    Raises
    ------
    TypeError
        A column holds values of several types.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = _arrow(X)
    if targets is not None:
        answers = np.asarray(targets).reshape(len(targets), -1)
        for k, name in enumerate(names):
            table = table.append_column(name, pa.array(np.ascontiguousarray(answers[:, k])))
    sink = io.BytesIO()
    texts = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    pq.write_table(
        table.replace_schema_metadata(None).combine_chunks(), sink, compression="zstd", use_dictionary=texts or False
    )
    return sink.getvalue()


def _arrow(X):
    import pyarrow as pa

    try:
        if has_columns(X):
            frame = pandas_of(X)
            arrays = [pa.array(frame.iloc[:, j], from_pandas=True) for j in range(frame.shape[1])]
            names = [str(name) for name in frame.columns]
        else:
            arrays = [pa.array(np.ascontiguousarray(X[:, j]), from_pandas=True) for j in range(X.shape[1])]
            names = [str(j) for j in range(X.shape[1])]
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TypeError(
            f"the columns of a table must hold values of one type each to be written as Parquet: {error}. "
            "Make them text, for instance with X.astype({column: str})."
        ) from error
    return pa.table(arrays, names=names)


def read_shard(content: bytes, name: str, schema: Schema, n_rows: int, n_answers: int, kind: str):
    """Return what a shard holds.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        What errors call it.
    schema : Schema
        The columns of the rows.
    n_rows, n_answers : int
        The numbers of rows and of columns of answers that it must have.
    kind : str
        What the answers are: values are float64, probabilities and logits float32.

    Returns
    -------
    encoded : Encoded
        The rows.
    targets : array of shape (n_rows, n_answers)
        The answers.

    Raises
    ------
    ValueError
        The file is not a shard of this transfer set.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = (n_rows, schema.n_columns + n_answers)
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        facts = file.metadata
        if (facts.num_rows, facts.num_columns) != wanted:
            raise ValueError(f"{name} must have {wanted[0]} rows and {wanted[1]} columns, got {_shape(facts)}.")
        unpacked = sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
        if unpacked > LARGEST_CELL * n_rows * wanted[1]:
            raise ValueError(f"{name} would unpack to {unpacked} bytes, which its {n_rows} rows cannot need.")
        table = file.read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{name} is not a Parquet file: {error}.") from error
    dtype = np.float64 if kind == "values" else np.float32
    targets = np.empty((n_rows, n_answers), dtype=dtype)
    for k in range(n_answers):
        targets[:, k] = table.column(schema.n_columns + k).to_numpy()
    if not np.isfinite(targets).all():
        raise ValueError(f"{name} holds answers of the teacher that are missing or infinite.")
    if kind == "probabilities" and not _are_probabilities(targets):
        raise ValueError(f"{name} holds answers of the teacher that are not probabilities, of sum 1 in each row.")
    return _encoded(table.select(range(schema.n_columns)), schema), targets


def _are_probabilities(targets: np.ndarray) -> bool:
    return bool((targets >= -SUM_TOLERANCE).all() and (np.abs(targets.sum(axis=1) - 1) <= SUM_TOLERANCE).all())


def _encoded(table, schema: Schema) -> Encoded:
    if not len(schema.nominal_):
        continuous = np.empty((table.num_rows, schema.n_columns), dtype=schema.dtype_)
        for j in range(schema.n_columns):
            column = table.column(j)
            continuous[:, j] = column.to_numpy() if not column.null_count else column.to_pandas().to_numpy(np.float64)
        return Encoded(continuous, np.empty((len(continuous), 0), dtype=np.int32))
    frame = table.to_pandas(strings_to_categorical=True)
    if schema.is_frame_:
        frame.columns = schema.names
        return schema.encode(frame, unseen="missing")
    frame.columns = range(schema.n_columns)
    return schema.encode(frame, unseen="missing")


def _shape(facts) -> str:
    return f"{facts.num_rows} rows and {facts.num_columns} columns"
