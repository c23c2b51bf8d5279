"""`inspect`: what a saved student holds."""

from __future__ import annotations

from compress.cli._chosen import shape_of
from compress.cli._options import print_json
from compress.students import load_student

__all__ = ["run"]


def run(args) -> None:
    """Print the contents of a student as JSON."""
    student = load_student(args.student)
    columns = []
    pieces = student.module_.inputs.pieces if hasattr(student, "module_") else None
    n_bins = iter([0] * len(student.schema_.continuous_) if pieces is None else pieces.n_bins)
    for column in student.schema_.columns_:
        facts = {"name": column.name, "kind": column.kind, "dtype": column.dtype, "missing": column.missing}
        if column.kind == "continuous":
            facts["range"] = [column.low, column.high]
            if n := next(n_bins):
                facts["bins"] = n
        else:
            facts["categories"] = len(column.categories)
            facts["first"] = list(column.categories[:5])
        columns.append(facts)
    result = {
        "class": type(student).__name__,
        "bytes": args.student.stat().st_size,
        **shape_of(student),
        **(_of_trees(student) if hasattr(student, "trees_") else _of_net(student)),
    }
    if hasattr(student, "classes_"):
        result["classes"] = student.classes_.tolist()
    print_json({**result, "columns": columns})


def _of_net(student) -> dict:
    body, pieces = student.module_.body, student.module_.inputs.pieces
    return {
        "activation": student.activation,
        "n_frequencies": 0 if body.periodic is None else body.periodic.weight.shape[1],
        "n_bins": 0 if pieces is None else pieces.n_added,
    }


def _of_trees(student) -> dict:
    trees = student.trees_
    return {"trees": trees.n_trees, "splits": len(trees.test), "leaves": len(trees.leaf)}
