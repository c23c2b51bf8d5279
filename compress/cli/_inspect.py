"""`inspect`: what a saved student holds."""

from __future__ import annotations

from compress.cli._options import print_json
from compress.students import load_student

__all__ = ["run"]


def run(args) -> None:
    """Print the contents of a student as JSON."""
    student = load_student(args.student)
    columns = []
    for column in student.schema_.columns_:
        facts = {"name": column.name, "kind": column.kind, "dtype": column.dtype, "missing": column.missing}
        if column.kind == "continuous":
            facts["range"] = [column.low, column.high]
        else:
            facts["categories"] = len(column.categories)
            facts["first"] = list(column.categories[:5])
        columns.append(facts)
    result = {
        "class": type(student).__name__,
        "bytes": args.student.stat().st_size,
        "parameters": student.n_parameters_,
        **(_of_trees(student) if hasattr(student, "trees_") else _of_net(student)),
    }
    if hasattr(student, "classes_"):
        result["classes"] = student.classes_.tolist()
    print_json({**result, "columns": columns})


def _of_net(student) -> dict:
    body = student.module_.body
    return {
        "hidden_layer_sizes": list(body.hidden_layer_sizes),
        "activation": student.activation,
        "n_frequencies": 0 if body.periodic is None else body.periodic.weight.shape[1],
    }


def _of_trees(student) -> dict:
    trees = student.trees_
    return {"iterations": trees.n_iter, "trees": trees.n_trees, "splits": len(trees.test), "leaves": len(trees.leaf)}
