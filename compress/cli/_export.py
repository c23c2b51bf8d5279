"""`export`: a saved student as an ONNX model, as C source or as JavaScript."""

from __future__ import annotations

from dataclasses import asdict

from compress.cli._csv import form_of
from compress.cli._for_student import read_for_student
from compress.cli._options import UsageError, print_json, say
from compress.cli._outputs import check_output, need_packages
from compress.students import load_student

__all__ = ["run"]


def run(args) -> None:
    """Write the files, and print sizes and differences as JSON."""
    if args.onnx is None and args.c is None and args.js is None:
        raise UsageError("export needs --onnx FILE, --c FILE or --js FILE, or several of them.")
    header = None if args.c is None else args.c.with_suffix(".h")
    check_output(args.onnx, args.c, header, args.js, overwrite=args.overwrite)
    if args.onnx is not None:
        need_packages("ONNX models", "onnx", "onnxruntime")
    form = form_of(args)
    student, result = load_student(args.student), {}
    if args.c is not None:
        source, header = student.to_c(args.c, name=args.name)
        result["c"] = {"source": str(source), "header": str(header), "bytes": source.stat().st_size}
        say(f"wrote {source} and {header}")
    if args.js is not None:
        path = student.to_js(args.js)
        result["js"] = {"path": str(path), "bytes": path.stat().st_size}
        say(f"wrote {path}")
    if args.onnx is not None:
        X = None
        if args.check is not None:
            X, _, _ = read_for_student(args.check, student, form, drop=args.drop)
        exported = student.to_onnx(args.onnx, precision=args.precision, X=X)
        result["onnx"] = {**asdict(exported), "path": str(exported.path)}
        say(f"wrote {exported.path}")
    print_json(result)
