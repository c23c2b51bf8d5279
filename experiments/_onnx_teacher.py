"""T through ONNX Runtime: what a user would compare the student with, since it costs nothing to try.

Each selected model is converted by skl2onnx and timed on the matrix it takes, one thread; preparing the
matrices and averaging the outputs is left out, in T's favour. A model that the converter refuses
(histogram boosting with nominal columns) counts with its native time.
"""

from __future__ import annotations

from threadpoolctl import threadpool_limits

from compress.evaluation import latency

__all__ = ["through_onnx_runtime"]


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
    try:
        from experiments.benchmarks.export_forms import converted, session
    except ImportError:
        return None
    encoded = teacher.schema_.encode(X.iloc[: max(batches)], unseen="missing")
    matrices = teacher._encoder.transform(encoded, set(teacher._views))
    found = {"seconds": dict.fromkeys(map(str, batches), 0.0), "bytes": 0, "converted": 0}
    for estimator, view in zip(teacher.estimators_, teacher._views):
        matrix = matrices[view].astype("float32")
        try:
            content = converted(estimator, matrix.shape[1])
            run = session(content)
        except Exception as error:
            print(f"    {type(estimator).__name__} is not converted: {str(error).splitlines()[0][:100]}", flush=True)
            call = estimator.predict_proba
        else:
            found["bytes"] += len(content)
            found["converted"] += 1
            call = _caller(run)
        with threadpool_limits(1):
            for n_rows, repeats in batches.items():
                found["seconds"][str(n_rows)] += latency(call, matrix, n_rows=n_rows, repeats=repeats).median
    return {**found, "models": len(teacher.estimators_)}


def _caller(run):
    name = run.get_inputs()[0].name
    return lambda X: run.run(None, {name: X})
