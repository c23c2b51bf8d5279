"""The command line on tables beyond memory: shards of labels, predictions in parts."""

import json

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from compress import StudentClassifier, load_student
from compress.cli import _generate, _predict

pytest.importorskip("pyarrow")
TEACHER = "--teacher t.joblib --trust-pickle"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli_shards")
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=200), "b": rng.choice(["007", "8", "x"], 200)})
    table["y"] = np.where(table["a"] > 0, "yes", "no")
    table.to_csv(folder / "t.csv", index=False)
    table.drop(columns="y").to_parquet(folder / "t.parquet")
    joblib.dump(RandomForestClassifier(5, random_state=0).fit(table[["a"]], table["y"]), folder / "numbers.joblib")
    joblib.dump(RandomForestClassifier(5, random_state=0).fit(table[["a"]], table["y"]), folder / "t.joblib")
    StudentClassifier((4,), max_epochs=2, random_state=0).fit(table[["a", "b"]], table["y"]).save(folder / "s.st")
    return folder


# ---------------------------------------------------------------- shards
def test_label_writes_shards_from_which_fit_learns(run, tmp_path):
    line = f"label t.csv --drop y b {TEACHER} --rows 3000 --shard-rows 700 --p 0.2 --out tmp/set"
    code, _, err = run(line)
    assert code == 0, err
    assert "3,000 rows in 5 shards" in err
    code, out, err = run("fit tmp/set --taught --student net --hidden 8 --epochs 3 --out tmp/s.st")
    assert code == 0, err
    assert json.loads(out)["task"] == "classification"
    assert load_student(tmp_path / "s.st").classes_.tolist() == ["no", "yes"]
    code, out, err = run("fit tmp/set --taught --student trees --out tmp/trees.st")
    assert code == 0, err


def test_a_folder_that_exists_needs_resume_or_overwrite(run, tmp_path):
    line = f"label t.csv --drop y b {TEACHER} --rows 900 --shard-rows 300 --out tmp/set"
    assert run(line)[0] == 0
    whole = {p.name: p.read_bytes() for p in (tmp_path / "set").iterdir()}
    code, _, err = run(line)
    assert code == 1 and "pass --resume to go on" in err
    (tmp_path / "set" / "shard-000002.parquet").unlink()
    code, _, err = run(f"{line} --resume")
    assert code == 0, err
    assert {p.name: p.read_bytes() for p in (tmp_path / "set").iterdir()} == whole
    code, _, err = run(f"{line} --resume --seed 1")
    assert code == 1 and "generator.seed" in err
    assert run(f"{line} --overwrite --seed 1")[0] == 0


def test_without_rows_the_table_is_labelled_to_shards(run, tmp_path):
    code, _, err = run(f"label t.csv --drop y b {TEACHER} --out tmp/set")
    assert code == 0 and "200 rows in 1 shards" in err


def test_generated_shards_can_be_labelled_and_learned(run, tmp_path):
    line = "generate t.csv --drop y b --rows 2000 --shard-rows 600 --p 0.2 --out tmp/rows"
    code, _, err = run(line)
    assert code == 0 and "2,000 rows in shards" in err
    (tmp_path / "rows" / "shard-000001.parquet").unlink()
    code, _, err = run(f"label tmp/rows {TEACHER} --out tmp/set")
    assert code == 1 and "lacks shard-000001.parquet" in err
    code, _, err = run(f"{line} --resume")
    assert code == 0, err
    code, _, err = run(f"label tmp/rows {TEACHER} --out tmp/set")
    assert code == 0, err
    assert "2,000 rows in 4 shards" in err
    code, _, err = run("fit tmp/rows --taught --out tmp/s.st")
    assert code == 1 and "holds rows without labels" in err
    assert run("fit tmp/set --taught --hidden 4 --epochs 1 --out tmp/s.st")[0] == 0
    rows = pd.concat([pd.read_parquet(path) for path in sorted((tmp_path / "rows").glob("*.parquet"))])
    assert run("generate t.csv --drop y b --rows 2000 --p 0.2 --out tmp/rows.parquet")[0] == 0
    pd.testing.assert_frame_equal(rows.reset_index(drop=True), pd.read_parquet(tmp_path / "rows.parquet"))


@pytest.mark.parametrize(
    "line, code, says",
    [
        ("label t.csv --drop y b TEACHER --rows 900 --out tmp/set.csv", 2, "--rows is for shards: give --out a folder"),
        ("label t.csv --drop y b TEACHER --resume --out tmp/set.parquet", 2, "--resume is for shards"),
        ("label t.csv --drop y b TEACHER --rows 10 --out tmp/set", 1, "must be at least 200, got 10"),
        ("label t.csv --drop y b TEACHER --resume --overwrite --out tmp/set", 2, "leave one out"),
        ("label t.csv --drop y b TEACHER --p 0.1 --out tmp/set", 2, "say with --rows how many"),
        ("label t.csv --drop y b TEACHER --rows 900 --out nowhere://set", 1, "neither a path nor a URL"),
        ("generate t.csv --drop y --rows 9 --resume --out tmp/rows.csv", 2, "--resume is for shards"),
        ("label . TEACHER --out tmp/set.csv", 2, "are labelled to a folder"),
        ("label . TEACHER --rows 5 --out tmp/set", 2, "leave --drop, --nominal and --rows out"),
        ("fit . --taught --out tmp/s.st", 1, "is no transfer set"),
        ("fit . --target y --out tmp/s.st", 2, "pass --taught"),
        ("fit . --taught --drop a --out tmp/s.st", 2, "leave --drop and --nominal out"),
    ],
)
def test_arguments_that_do_not_fit_shards(line, code, says, run):
    found, _, err = run(line.replace("TEACHER", TEACHER))
    assert found == code and says in err


# ---------------------------------------------------------------- in parts
@pytest.mark.parametrize("table", ["t.csv --drop y", "t.parquet"])
@pytest.mark.parametrize("out", ["p.csv", "p.parquet", "p.csv.gz", "p.csv.xz"])
def test_predictions_do_not_depend_on_the_parts(table, out, run, tmp_path, monkeypatch):
    frames = []
    for k, n_rows in enumerate((10**6, 33)):
        monkeypatch.setattr(_predict, "PART_ROWS", n_rows)
        code, _, err = run(f"predict s.st {table} --join --out tmp/{k}{out}")
        assert code == 0, err
        path = tmp_path / f"{k}{out}"
        frames.append(pd.read_parquet(path) if out.endswith("parquet") else pd.read_csv(path))
    pd.testing.assert_frame_equal(*frames)
    assert len(frames[0]) == 200


def test_only_a_part_is_in_memory(run, monkeypatch):
    sizes = []
    predict_proba = StudentClassifier.predict_proba
    monkeypatch.setattr(StudentClassifier, "predict_proba", lambda s, X: sizes.append(len(X)) or predict_proba(s, X))
    monkeypatch.setattr(_predict, "PART_ROWS", 64)
    code, out, _ = run("predict s.st t.csv --drop y")
    assert code == 0 and sizes == [64, 64, 64, 8]
    assert len(out.splitlines()) == 201  # one header


def test_unseen_categories_are_noted_once(run, folder, tmp_path, monkeypatch):
    table = pd.read_csv(folder / "t.csv", dtype=str)
    table["b"] = "new"
    table.to_csv(tmp_path / "new.csv", index=False)
    monkeypatch.setattr(_predict, "PART_ROWS", 50)
    code, _, err = run("predict s.st tmp/new.csv --drop y --out tmp/p.csv")
    assert code == 0 and err.count("not there in training") == 1


def test_a_bad_value_in_a_later_part_names_its_row_and_leaves_no_file(run, folder, tmp_path, monkeypatch):
    table = pd.read_csv(folder / "t.csv", dtype=str)
    table.loc[170, "a"] = "wrong"
    table.to_csv(tmp_path / "bad.csv", index=False)
    monkeypatch.setattr(_predict, "PART_ROWS", 50)
    code, _, err = run("predict s.st tmp/bad.csv --drop y --out tmp/p.csv")
    assert code == 1 and "got 'wrong' in row 171" in err
    assert [p.name for p in tmp_path.iterdir()] == ["bad.csv"]


@pytest.mark.parametrize("out", ["g.csv", "g.parquet"])
def test_generated_rows_do_not_depend_on_the_batches(out, run, tmp_path, monkeypatch):
    contents = []
    for k, n_rows in enumerate((10**6, 77)):
        monkeypatch.setattr(_generate, "BATCH_ROWS", n_rows)
        code, _, err = run(f"generate t.csv --drop y --rows 500 --out tmp/{k}{out}")
        assert code == 0, err
        path = tmp_path / f"{k}{out}"
        contents.append(pd.read_parquet(path) if out.endswith("parquet") else pd.read_csv(path))
    pd.testing.assert_frame_equal(*contents)
