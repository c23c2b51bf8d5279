"""One interface to the outputs of any fitted estimator used as a teacher.

`teacher_outputs` makes arrays of a teacher's answers and refuses what is not the output it claims to be, since a
student would learn it without an error. Answers with named columns are put into the order of the classes.
"""

from __future__ import annotations

import contextlib

import numpy as np
from sklearn.exceptions import NotFittedError

from compress.schema import as_table, class_codes, class_names, columns_of_classes, pandas_of, take
from compress.teachers._capabilities import check_teacher, known_classes, name_of, surely_unfitted
from compress.teachers._columns import in_teachers_order

__all__ = [
    "KINDS",
    "SMALLEST_PROBABILITY",
    "answered_classes",
    "asked",
    "clipped_logits",
    "explained",
    "probability_columns",
    "teacher_outputs",
]

KINDS = ("probabilities", "logits", "labels", "values")
SMALLEST_PROBABILITY = 1e-6  # of which a logarithm is taken: -13.8
PROBABILITY_TOLERANCE = 1e-3  # float32 softmax over a thousand classes strays by less


def clipped_logits(probabilities, eps: float = SMALLEST_PROBABILITY) -> np.ndarray:
    """Return log-probabilities, float32: the logits of a model that has only probabilities.

    Parameters
    ----------
    probabilities : float array of shape (n_rows, n_classes)
        The class probabilities.
    eps : float in (0, 1), default=1e-6
        The smallest probability that the logarithm is taken of; smaller ones are replaced by it. Forests give
        probabilities of exactly 0, whose logits have no bound.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.teachers import clipped_logits
    >>> clipped_logits(np.array([[0.0, 1.0]]), eps=1e-3).round(2)
    array([[-6.91,  0.  ]], dtype=float32)
    """
    return np.log(np.maximum(probabilities, np.float32(eps), dtype=np.float32))


def teacher_outputs(teacher, X, kind: str, *, eps: float = SMALLEST_PROBABILITY, classes=None) -> np.ndarray:
    """Return a fitted teacher's answers for the rows of a table.

    Parameters
    ----------
    teacher : fitted estimator
        The teacher.
    X : DataFrame, Arrow table or array of shape (n_rows, n_columns)
        The rows, which are passed to the teacher in their own container. Columns in another order than that of the
        names that the teacher knows are put into this order.
    kind : {"probabilities", "logits", "labels", "values"}
        Which answers are returned:

        - "probabilities": `predict_proba`, with columns in the order of `teacher.classes_`; those of a DataFrame whose
          columns are the classes are put into this order.
        - "logits": `log(max(p, eps))`, so that their softmax gives the probabilities back up to `eps` and, with two
          classes, the difference of the columns is the log odds. They are not centred; losses that compare logits
          directly centre both sides.
        - "labels": `predict`, one-hot in the order of `teacher.classes_`.
        - "values": `predict` of a regressor.
    eps : float in (0, 1), default=1e-6
        The smallest probability that the logarithm is taken of, as in `clipped_logits`; 1e-6 bounds logits at -13.8.
    classes : array of shape (n_classes,), optional
        The label of each column, for a teacher without `classes_`.

    Returns
    -------
    float32 array of shape (n_rows, n_classes), or float64 array of shape (n_rows,) or (n_rows, n_outputs)
        The answers; only "values" are float64, since float32 loses a small spread around a large mean.

    Raises
    ------
    NotFittedError, TypeError
        The teacher is not fitted, or lacks a method that `kind` needs.
    ValueError
        The outputs have another shape, are not finite, or are not probabilities.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.teachers import teacher_outputs
    >>> tree = DecisionTreeClassifier().fit([[0.0], [1.0]], ["no", "yes"])
    >>> teacher_outputs(tree, [[1.0]], "probabilities")
    array([[0., 1.]], dtype=float32)
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}.")
    if not 0 < eps < 1:
        raise ValueError(f"eps must lie in (0, 1), got {eps}.")
    check_teacher(
        teacher,
        "regression" if kind == "values" else "classification",
        labels="hard" if kind == "labels" else "soft",
    )
    if surely_unfitted(teacher):
        raise NotFittedError(f"teacher must be fitted before it can label rows; call fit on {name_of(teacher)} first.")
    X = in_teachers_order(teacher, X)
    n_rows = len(X)
    with explained(teacher, X):
        raw = asked(teacher.predict if kind in ("values", "labels") else teacher.predict_proba, X)
    known = known_classes(teacher)
    known = classes if known is None else known
    if kind == "values":
        values = _finite(teacher, _array(raw), "predict", n_rows, (1, 2), np.float64)
        return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if kind == "labels":
        return _one_hot(teacher, _array(raw), n_rows, known)
    probabilities = _probabilities(teacher, raw, n_rows, known)
    if kind == "logits":
        return clipped_logits(probabilities, eps)
    return probabilities


def answered_classes(teacher, X, classes=None) -> np.ndarray | None:
    """Return the label of each column of a classifier's answers; None where nothing tells.

    Parameters
    ----------
    teacher : fitted classifier
        The teacher. Without `classes_`, and without `classes`, the columns of its answer for a row are taken when it
        answers with a DataFrame.
    X : table
        Rows for the teacher.
    classes : array of shape (n_classes,), optional
        The labels for a teacher without `classes_`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.teachers import answered_classes
    >>> X = np.arange(4.0)[:, None]
    >>> answered_classes(DecisionTreeClassifier().fit(X, ["no", "no", "yes", "yes"]), X)
    array(['no', 'yes'], dtype='<U3')
    """
    known = known_classes(teacher)
    if known is not None or classes is not None:
        return np.asarray(classes) if known is None else known
    if not hasattr(teacher, "predict_proba"):
        return None
    row = in_teachers_order(teacher, take(as_table(X), slice(0, 1)))
    names = class_names(asked(teacher.predict_proba, row))
    return None if names is None else np.array(names)


def probability_columns(model, answer, classes) -> np.ndarray:
    """Return the answer of `predict_proba` as an array with its columns in the order of the classes.

    Parameters
    ----------
    model : object
        The classifier, for error messages.
    answer : array, or DataFrame whose columns are the classes
        What it answered. Columns that name no class are taken as they come.
    classes : array of shape (n_classes,) or None
        The classes; None takes all columns as they come.

    Raises
    ------
    TypeError
        The answer is a list of one array for each of several targets.
    ValueError
        The answer has another number of columns, or names some of the classes only.

    Examples
    --------
    >>> import pandas as pd
    >>> from compress.teachers import probability_columns
    >>> answer = pd.DataFrame({"yes": [0.9], "no": [0.1]})
    >>> probability_columns(None, answer, ["no", "yes"])
    array([[0.1, 0.9]])
    """
    if isinstance(answer, list) and len(answer) and np.ndim(answer[0]) == 2:
        raise TypeError(
            f"teacher must predict one target, but predict_proba of {name_of(model)} returns a list of "
            f"{len(answer)} (one for each output); fit one teacher for each target."
        )
    names, array = class_names(answer), _array(answer)
    if array.ndim != 2 or (classes is not None and array.shape[1] != len(classes)):
        wanted = "n_classes" if classes is None else len(classes)
        raise ValueError(
            f"predict_proba of {name_of(model)} must have shape (n_rows, {wanted}), one column for each class, got "
            f"{array.shape}. For two classes it is np.column_stack([1 - p, p])."
        )
    order = columns_of_classes(names, classes, f"predict_proba of {name_of(model)}")
    return array if order is None else array[:, order]


def _array(answer) -> np.ndarray:
    if not isinstance(answer, np.ndarray) and hasattr(answer, "shape") and len(answer.shape) == 2:
        answer = pandas_of(answer)
    return np.asarray(answer)


def _probabilities(teacher, raw, n_rows, classes) -> np.ndarray:
    raw = probability_columns(teacher, raw, classes)
    probabilities = _finite(teacher, raw, "predict_proba", n_rows, (2,), np.float32)
    tolerance = PROBABILITY_TOLERANCE
    sums = probabilities.sum(axis=1, dtype=np.float64)
    bad = (probabilities < -tolerance).any(axis=1) | (np.abs(sums - 1) > tolerance)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"predict_proba of {name_of(teacher)} must give probabilities >= 0 that sum to 1 in each row, but "
            f"{int(bad.sum())} of {n_rows} rows do not (row {row}: {probabilities[row].tolist()})."
        )
    return np.clip(probabilities, 0.0, 1.0)


def _one_hot(teacher, predicted, n_rows, classes) -> np.ndarray:
    if classes is None:
        raise TypeError(
            "teacher must have classes_ for hard labels, to give the order of the columns, "
            f"but {name_of(teacher)} has not."
        )
    if predicted.ndim == 2 and predicted.shape[1] == 1:  # catboost returns a column
        predicted = predicted[:, 0]
    if predicted.shape != (n_rows,):
        raise ValueError(f"predict of {name_of(teacher)} must have shape ({n_rows},), got {predicted.shape}.")
    codes = class_codes(predicted, classes, None)
    unknown = codes < 0
    if unknown.any():
        raise ValueError(
            f"predict of {name_of(teacher)} must return members of its classes_, "
            f"but {int(unknown.sum())} of {n_rows} rows are not "
            f"(first: {predicted[int(np.argmax(unknown))]!r})."
        )
    labels = np.zeros((n_rows, len(classes)), dtype=np.float32)
    labels[np.arange(n_rows), codes] = 1.0
    return labels


def _finite(teacher, raw, method, n_rows, dimensions, dtype) -> np.ndarray:
    if raw.ndim not in dimensions or len(raw) != n_rows:
        raise ValueError(f"{method} of {name_of(teacher)} must return one row for each of {n_rows}, got {raw.shape}.")
    try:
        with np.errstate(over="ignore"):  # what overflows float32 is caught below
            values = raw.astype(dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{method} of {name_of(teacher)} must return numbers: {error}.") from error
    bad = ~np.isfinite(values).reshape(n_rows, -1).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{method} of {name_of(teacher)} must be finite, "
            f"but it is NaN or infinite in {int(bad.sum())} of {n_rows} rows "
            f"(first: row {int(np.argmax(bad))}); a student cannot learn from them."
        )
    return values


def asked(method, X, *others, **options):
    """Return `method(X, ...)`; a teacher that does not take a polars DataFrame or an Arrow table gets a pandas one.

    Parameters
    ----------
    method : callable
        The method of the teacher.
    X : table
        The rows.
    *others, **options
        Further arguments.
    """
    try:
        return method(X, *others, **options)
    except Exception:
        frame = pandas_of(X)
        if frame is not X:
            with contextlib.suppress(Exception):  # then the first error says more
                return method(frame, *others, **options)
        raise


@contextlib.contextmanager
def explained(teacher, X):
    """Say which column holds text when a teacher that takes numbers only fails on it.

    Parameters
    ----------
    teacher : object
        The teacher that is fitted or asked inside the block.
    X : table
        The rows that it gets.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        column = _column_of_text(X) if "convert" in str(error) else None
        if column is None:
            raise
        raise ValueError(
            f"teacher takes numbers only ({name_of(teacher)}: {error}), but column {column[0]!r} of X holds text such "
            f"as {column[1]!r}. Put an encoder before it, for instance make_pipeline(OrdinalEncoder(), "
            f"{name_of(teacher)}(...)), or pass teacher=None for one that takes text."
        ) from error


def _column_of_text(X):
    """Return the name and a value of the first column that holds text; None when there is none."""
    X = pandas_of(take(X, slice(0, 1000)))
    names = list(X.columns) if hasattr(X, "iloc") else range(np.shape(X)[1])
    for j, name in enumerate(names):
        values = X.iloc[:, j] if hasattr(X, "iloc") else np.asarray(X)[:, j]
        texts = [value for value in values.tolist() if isinstance(value, str)]
        if texts:
            return name, texts[0]
    return None
