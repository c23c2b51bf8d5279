"""`predict` and `evaluate`: a saved student on a table."""

from __future__ import annotations

from pathlib import Path

from compress.cli._options import add_command, add_output, add_table, add_teacher, check_output, print_json

__all__ = ["add_to"]


def add_to(commands) -> None:
    """Add the subcommands."""
    command = add_command(
        commands,
        "predict",
        predict,
        "predict the rows of a table",
        "python -m compress predict student.safetensors new.csv --out predictions.csv",
    )
    command.add_argument("student", type=Path, metavar="STUDENT", help="file that `fit` or student.save wrote")
    add_table(command, "rows to predict, without the target (--drop)")
    command.add_argument("--join", action="store_true", help="repeat the table's columns beside the predictions")
    add_output(command, "predictions, and probabilities of each class")
    command = add_command(
        commands,
        "evaluate",
        evaluate,
        "measure a student on labelled rows, and against its teacher",
        "python -m compress evaluate student.safetensors test.csv --target income --teacher forest.skops",
    )
    command.add_argument("student", type=Path, metavar="STUDENT", help="file that `fit` or student.save wrote")
    add_table(command, "rows with their labels")
    command.add_argument("--target", metavar="COLUMN", required=True, help="the column with the labels")
    add_teacher(command)


def predict(args) -> None:
    """Write predictions."""
    check_output(args.out, overwrite=args.overwrite)
    from compress import load_student
    from compress.cli._data import answers_frame
    from compress.cli._table_files import read_for_student, write_table

    student = load_student(args.student)
    X, _, frame = read_for_student(args.table, student, sep=args.sep, drop=args.drop)
    if hasattr(student, "classes_"):
        p = student.predict_proba(X)
        result = answers_frame(p, student.classes_)
        result.insert(0, "prediction", student.classes_[p.argmax(axis=1)])
    else:
        result = answers_frame(student.predict(X), None)
    if args.join:
        clash = [name for name in result if name in frame.columns]
        if clash:
            raise ValueError(f"{args.table} has a column {clash[0]!r} already: leave out --join.")
        result.index = frame.index
        result = frame.join(result)
    write_table(result, args.out)


def evaluate(args) -> None:
    """Print measures as JSON."""
    from compress import load_student
    from compress.cli._table_files import read_for_student
    from compress.cli._teacher_file import load_teacher
    from compress.evaluation import calibration_error, classification_metrics, fidelity, regression_metrics
    from compress.teachers import teacher_outputs

    student = load_student(args.student)
    teacher = load_teacher(args) if args.teacher else None
    X, y, _ = read_for_student(args.table, student, sep=args.sep, drop=args.drop, target=args.target)
    classes = getattr(student, "classes_", None)
    predictions = student.predict(X) if classes is None else student.predict_proba(X)
    if classes is not None:
        y = _labels(y, classes, args)

    def measures(p) -> dict:
        if classes is None:
            return regression_metrics(y, p)
        return {**classification_metrics(y, p, classes), "calibration_error": calibration_error(y, p, classes)}

    result = {"rows": len(X), "student": measures(predictions)}
    if teacher is not None:
        taught = teacher_outputs(teacher, X, "values" if classes is None else "probabilities")
        result["teacher"] = measures(taught)
        result["fidelity"] = fidelity(predictions, taught)
    print_json(result)


def _labels(y, classes, args):
    """Labels of the type of the classes; a CSV file does not tell 1 from "1"."""
    known = {str(c): c for c in classes.tolist()}
    strange = [v for v in y.astype(str).unique() if v not in known]
    if strange:
        raise ValueError(
            f"{args.table}: the target {args.target!r} holds {strange[0]!r}, which is none of the student's classes "
            f"{list(known)[:10]}."
        )
    return [known[v] for v in y.astype(str)]
