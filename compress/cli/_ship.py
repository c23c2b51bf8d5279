"""`export` and `inspect`: a saved student for elsewhere, and what is in it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from compress.cli._options import UsageError, add_command, add_overwrite, check_output, print_json, say

__all__ = ["add_to"]


def add_to(commands) -> None:
    """Add the subcommands."""
    command = add_command(
        commands,
        "export",
        export,
        "write a student as an ONNX model or as C source",
        "python -m compress export student.safetensors --onnx student.onnx --c student.c",
    )
    command.add_argument("student", type=Path, metavar="STUDENT", help="file that `fit` or student.save wrote")
    command.add_argument("--onnx", type=Path, metavar="FILE", help="ONNX model, preprocessing inside")
    command.add_argument("--precision", choices=["float32", "float16", "int8"], default="float32", help="of weights")
    command.add_argument("--check", type=Path, metavar="TABLE", help="rows to check the ONNX model on")
    command.add_argument("--sep", default=",", help="delimiter of that table")
    command.add_argument("--drop", nargs="+", default=[], metavar="COLUMN", help="columns of that table to leave out")
    command.add_argument("--c", type=Path, metavar="FILE", help="C source, with a header beside it")
    command.add_argument("--name", help="prefix of all names in C (default: the file's name)")
    add_overwrite(command)
    command = add_command(
        commands,
        "inspect",
        inspect,
        "show what a student holds",
        "python -m compress inspect student.safetensors",
    )
    command.add_argument("student", type=Path, metavar="STUDENT", help="file that `fit` or student.save wrote")


def export(args) -> None:
    """Write the files and print what they lose, as JSON."""
    if args.onnx is None and args.c is None:
        raise UsageError("export needs --onnx FILE, --c FILE, or both.")
    header = None if args.c is None else args.c.with_suffix(".h")
    check_output(args.onnx, args.c, header, overwrite=args.overwrite)
    from compress import load_student

    student, result = load_student(args.student), {}
    if args.c is not None:
        source, header = student.to_c(args.c, name=args.name)
        result["c"] = {"source": str(source), "header": str(header), "bytes": source.stat().st_size}
        say(f"wrote {source} and {header}")
    if args.onnx is not None:
        X = None
        if args.check is not None:
            from compress.cli._table_files import read_for_student

            X, _, _ = read_for_student(args.check, student, sep=args.sep, drop=args.drop)
        exported = student.to_onnx(args.onnx, precision=args.precision, X=X)
        result["onnx"] = {**asdict(exported), "path": str(exported.path)}
        say(f"wrote {exported.path}")
    print_json(result)


def inspect(args) -> None:
    """Print the contents as JSON."""
    from compress import load_student

    student = load_student(args.student)
    body = student.module_.body
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
        "hidden_layer_sizes": list(body.hidden_layer_sizes),
        "activation": student.activation,
        "n_frequencies": 0 if body.periodic is None else body.periodic.weight.shape[1],
    }
    if hasattr(student, "classes_"):
        result["classes"] = student.classes_.tolist()
    print_json({**result, "columns": columns})
