"""A disk that fills while a file is written: an old file stays as it was, and no half one is left."""

import errno
import os
from pathlib import Path

import pandas as pd
import pytest
from export_cases import FRAME, fitted

from compress.cli import main
from compress.cli._table_files import write_table

FORMS = {
    "save": (["m.safetensors"], lambda student, folder: student.save(folder / "m.safetensors")),
    "onnx": (["m.onnx"], lambda student, folder: student.to_onnx(folder / "m.onnx")),
    "c": (["m.c", "m.h"], lambda student, folder: student.to_c(folder / "m.c")),
}


def fill_the_disk(monkeypatch, moment):
    """Let the disk be full while a file is written, when it is flushed, or when anything is renamed."""
    write = os.write

    def half(descriptor, content):
        write(descriptor, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def refuse(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    name, change = {"write": ("write", half), "flush": ("fsync", refuse), "rename": ("replace", refuse)}[moment]
    monkeypatch.setattr(os, name, change)


@pytest.mark.parametrize("moment", ["write", "flush", "rename"])
@pytest.mark.parametrize("form", FORMS)
def test_the_old_file_stays_whole(form, moment, tmp_path, monkeypatch):
    names, write = FORMS[form]
    if form == "onnx":
        pytest.importorskip("onnxruntime")
    student = fitted("numbers")[0]
    for name in names:
        (tmp_path / name).write_bytes(b"old")
    fill_the_disk(monkeypatch, moment)
    with pytest.raises(OSError, match=r"No space left.*m\."):
        write(student, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert all((tmp_path / name).read_bytes() == b"old" for name in names)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table(ending, tmp_path, monkeypatch):
    path = tmp_path / f"p.{ending}"
    path.write_bytes(b"old")

    def half(self, path, **options):
        Path(path).write_bytes(b"new, b")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pd.DataFrame, f"to_{ending}", half)
    with pytest.raises(OSError, match="No space left"):
        write_table(FRAME, path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name] and path.read_bytes() == b"old"


def test_the_command_line_says_so(tmp_path, monkeypatch, capsys):
    FRAME[["age"]].assign(prediction=1.0).to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "s").write_bytes(b"old")
    fill_the_disk(monkeypatch, "write", "s")
    line = f"fit {tmp_path}/t.csv --taught --epochs 1 --hidden 4 --out {tmp_path}/s --overwrite"
    assert main(line.split()) == 1
    assert f"No space left on device: '{tmp_path}/s'" in capsys.readouterr().err
    assert (tmp_path / "s").read_bytes() == b"old"
