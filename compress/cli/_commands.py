"""The subcommands and their arguments; each has a file of its name, which is imported when it is called."""

from __future__ import annotations

from pathlib import Path

from compress.cli._options import add_command, add_csv, add_munge, add_output, add_overwrite, add_table, add_teacher

__all__ = ["add_commands"]


def add_commands(commands) -> None:
    """Add all subcommands to the parser."""
    for add in (_add_fit, _add_use, _add_rows, _add_export):
        add(commands)


def _add_fit(commands) -> None:
    """Add `fit`."""
    command = add_command(
        commands,
        "fit",
        "compress.cli._fit",
        "compress a teacher, or train the default one first, into a student",
        "python -m compress fit train.csv --target income --teacher forest.skops --out student.safetensors",
    )
    add_table(command, "rows to learn from", nominal=True, folder=True)
    command.add_argument("--target", metavar="COLUMN", help="the column to predict")
    command.add_argument("--task", choices=["auto", "classification", "regression"], default="auto")
    add_teacher(command)
    command.add_argument(
        "--taught", action="store_true", help="the table or folder comes from `label`: learn its columns teacher::..."
    )
    add_output(command, "the student's file", required=True)
    add_munge(command)
    command.add_argument("--size-multiplier", type=float, default=100, help="rows to learn per row (default: 100)")
    command.add_argument(
        "--student",
        choices=["auto", "net", "net-cuts", "additive", "trees"],
        help="family of the student (default: auto, the best of all; net with --hidden, --frequencies or --epochs)",
    )
    command.add_argument("--hidden", type=int, nargs="*", help="units per hidden layer of a net (default: by choice)")
    command.add_argument(
        "--frequencies",
        type=int,
        default=0,
        help="periodic embedding of a net: frequencies per continuous column (default: none)",
    )
    command.add_argument("--epochs", type=int, help="passes of a net over the rows (default: by their number)")
    command.add_argument("--budget-bytes", type=float, help="largest file: the best student within it is searched")
    command.add_argument("--budget-us", type=float, help="most microseconds per row: likewise")
    command.add_argument("--tolerance", type=float, help="smallest student with at most (1 + TOLERANCE) x the error")
    command.add_argument("--test", type=Path, metavar="TABLE", help="rows to compare student and teacher on")
    command.add_argument("--n-jobs", type=int, help="workers that generate and label")


def _add_use(commands) -> None:
    """Add `predict` and `evaluate`."""
    command = add_command(
        commands,
        "predict",
        "compress.cli._predict",
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
        "compress.cli._evaluate",
        "measure a student on labelled rows, and against its teacher",
        "python -m compress evaluate student.safetensors test.csv --target income --teacher forest.skops",
    )
    command.add_argument("student", type=Path, metavar="STUDENT", help="file that `fit` or student.save wrote")
    add_table(command, "rows with their labels")
    command.add_argument("--target", metavar="COLUMN", required=True, help="the column with the labels")
    add_teacher(command)
    command.add_argument(
        "--html", type=Path, metavar="FILE", help="the report as a page, with a form to try the student"
    )
    add_overwrite(command)


def _add_rows(commands) -> None:
    """Add `generate` and `label`."""
    command = add_command(
        commands,
        "generate",
        "compress.cli._generate",
        "make more rows like those of a table, with MUNGE",
        "python -m compress generate train.csv --drop income --rows 100000 --out rows.parquet",
    )
    add_table(command, "rows to imitate, without the target (--drop)", nominal=True)
    command.add_argument("--rows", type=int, required=True, help="rows to make")
    add_munge(command)
    add_output(command, "the made-up rows: a file, or a folder or URL for shards", folder=True)
    _add_shards(command)
    command = add_command(
        commands,
        "label",
        "compress.cli._label",
        "let a teacher answer the rows of a table, and further rows like them",
        "python -m compress label train.csv --drop income --teacher forest.skops --rows 5000000 --out labelled/",
    )
    add_table(command, "rows to answer", nominal=True, folder=True)
    add_teacher(command, required=True)
    add_output(
        command,
        "the rows with the answers, which `fit --taught` learns from: a file, or a folder or URL for shards",
        folder=True,
    )
    command.add_argument(
        "--rows", type=int, help="rows in all: those of the table, and further ones by MUNGE; --out is a folder then"
    )
    add_munge(command)
    _add_shards(command)


def _add_shards(command) -> None:
    """Add what is for folders of shards."""
    command.add_argument("--shard-rows", type=int, help="rows of a shard (default: about 100,000)")
    command.add_argument("--resume", action="store_true", help="go on in a folder where an earlier call was stopped")
    command.add_argument("--n-jobs", type=int, help="workers that write shards")


def _add_export(commands) -> None:
    """Add `export` and `inspect`."""
    command = add_command(
        commands,
        "export",
        "compress.cli._export",
        "write a student as an ONNX model, as C source or as JavaScript",
        "python -m compress export student.safetensors --onnx student.onnx --js student.mjs",
    )
    command.add_argument("student", type=Path, metavar="STUDENT", help="file that `fit` or student.save wrote")
    command.add_argument("--onnx", type=Path, metavar="FILE", help="ONNX model, preprocessing inside")
    command.add_argument("--precision", choices=["float32", "float16", "int8"], default="float32", help="of weights")
    command.add_argument("--check", type=Path, metavar="TABLE", help="rows to check the ONNX model on")
    add_csv(command)
    command.add_argument("--drop", nargs="+", default=[], metavar="COLUMN", help="columns of that table to leave out")
    command.add_argument("--c", type=Path, metavar="FILE", help="C source, with a header beside it")
    command.add_argument("--name", help="prefix of all names in C (default: the file's name)")
    command.add_argument("--js", type=Path, metavar="FILE", help="ES module for browsers and Node")
    add_overwrite(command)
    command = add_command(
        commands,
        "inspect",
        "compress.cli._inspect",
        "show what a student holds",
        "python -m compress inspect student.safetensors",
    )
    command.add_argument("student", type=Path, metavar="STUDENT", help="file that `fit` or student.save wrote")
