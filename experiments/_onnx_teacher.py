"""T through ONNX Runtime: what a user would compare the student with, since it costs nothing to try.

Each selected model is converted by skl2onnx and timed on the matrix it takes, one thread; preparing the
matrices and averaging the outputs is left out, in T's favour. A model that the converter refuses
(histogram boosting with nominal columns) counts with its native time.
"""

from __future__ import annotations

from typing import NamedTuple

from threadpoolctl import threadpool_limits

from compress.evaluation import latency

__all__ = ["ConvertedTeacher", "converted_teacher", "through_onnx_runtime"]


class ConvertedTeacher(NamedTuple):
    """The members of T, each with the matrix that it takes.

    Parameters
    ----------
    members : list of (callable, float32 array)
        The function of each member, and its rows.
    n_bytes : int
        The size of all models that could be converted.
    n_converted : int
        The number of these.
    """

    members: list
    n_bytes: int
    n_converted: int


def converted_teacher(teacher, X) -> ConvertedTeacher | None:
    """Return the members of a fitted `EnsembleTeacherClassifier` in ONNX Runtime; None where ONNX is not installed."""
    try:
        from experiments.benchmarks.export_forms import converted, session
    except ImportError:
        return None
    encoded = teacher.schema_.encode(X, unseen="missing")
    matrices = teacher._encoder.transform(encoded, set(teacher._views))
    members, n_bytes, n_converted = [], 0, 0
    for estimator, view in zip(teacher.estimators_, teacher._views):
        matrix = matrices[view].astype("float32")
        try:
            content = converted(estimator, matrix.shape[1])
            call = _caller(session(content))
        except Exception as error:
            print(f"    {type(estimator).__name__} is not converted: {str(error).splitlines()[0][:100]}", flush=True)
            call = estimator.predict_proba
        else:
            n_bytes += len(content)
            n_converted += 1
        members.append((call, matrix))
    return ConvertedTeacher(members, n_bytes, n_converted)


def through_onnx_runtime(teacher, X, batches: dict[int, int]) -> dict:
    """Seconds of the converted teacher by batch size, its bytes, and how many of its models could be converted.

    Parameters
    ----------
    teacher : EnsembleTeacherClassifier
    X : DataFrame
        Rows to time with.
    batches : dict of int to int
        Repeats by batch size.

    Returns
    -------
    dict
        `seconds` by batch size as str, `bytes`, `converted`, `models`; or None where ONNX is not installed.
    """
    found = converted_teacher(teacher, X.iloc[: max(batches)])
    if found is None:
        return None
    seconds = dict.fromkeys(map(str, batches), 0.0)
    with threadpool_limits(1):
        for call, matrix in found.members:
            for n_rows, repeats in batches.items():
                seconds[str(n_rows)] += latency(call, matrix, n_rows=n_rows, repeats=repeats, cpu=True).median
    models = {"converted": found.n_converted, "models": len(found.members)}
    return {"seconds": seconds, "bytes": found.n_bytes, **models}


def _caller(run):
    name = run.get_inputs()[0].name
    return lambda X: run.run(None, {name: X})
