"""A disk that fills while a file is written: an old file stays as it was, and no half one is left."""

import errno
import os
from pathlib import Path

import pytest
from export_cases import FRAME, fitted

from compress import load_student
from compress.cli import _outputs, main
from compress.cli._outputs import write_table

FORMS = {
    "save": (["m.safetensors"], lambda student, folder: student.save(folder / "m.safetensors")),
    "onnx": (["m.onnx"], lambda student, folder: student.to_onnx(folder / "m.onnx")),
    "c": (["m.c", "m.h"], lambda student, folder: student.to_c(folder / "m.c")),
    "js": (["m.mjs"], lambda student, folder: student.to_js(folder / "m.mjs")),
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

    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "nowhere"))

    def half(partial, *_):
        Path(partial).write_bytes(b"new, b")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(_outputs, f"_{ending}", half)
    with pytest.raises(OSError, match="No space left"):
        write_table(FRAME, path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name] and path.read_bytes() == b"old"


def test_the_command_line_says_so(tmp_path, monkeypatch, capsys):
    FRAME[["age"]].assign(**{"teacher::value": 1.0}).to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "s").write_bytes(b"old")
    fill_the_disk(monkeypatch, "write")
    line = f"fit {tmp_path}/t.csv --taught --epochs 1 --hidden 4 --out {tmp_path}/s --overwrite"
    assert main(line.split()) == 1
    assert f"No space left on device: '{tmp_path}/s'" in capsys.readouterr().err
    assert (tmp_path / "s").read_bytes() == b"old"


def test_a_student_that_cannot_be_written_is_kept_elsewhere(tmp_path, monkeypatch, capsys):
    FRAME[["age"]].assign(**{"teacher::value": 1.0}).to_csv(tmp_path / "t.csv", index=False)
    spare = tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(spare))
    replace = os.replace

    def full(source, target):
        if Path(target).parent == tmp_path:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    assert main(f"fit {tmp_path}/t.csv --taught --epochs 1 --hidden 4 --out {tmp_path}/s".split()) == 1
    (kept,) = spare.rglob("s")
    assert f"No space left on device: '{tmp_path}/s'. The result is kept in {kept}" in capsys.readouterr().err
    assert load_student(kept).n_features_in_ == 1
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("command", ["fit t.csv --target age", "generate t.csv --rows 9", "label t.csv --teacher none"])
def test_a_folder_that_cannot_be_written_is_known_before_any_work(command, tmp_path, monkeypatch, capsys):
    FRAME[["age"]].to_csv(tmp_path / "t.csv", index=False)
    monkeypatch.chdir(tmp_path)
    assert main([*command.split(), "--out", "/sys/nothing.csv"]) == 1
    err = capsys.readouterr().err
    assert "'/sys/nothing.csv'" in err and "rows" not in err  # the table was not read
