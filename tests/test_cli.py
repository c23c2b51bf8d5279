"""The command line: each command on small files, and each bad input with its message and exit code."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from compress import StudentRegressor, load_student
from compress.cli import main
from compress.students import PiecewiseLinearEncoding

N = 160
FAST = ["--p", "0.2", "--size-multiplier", "3", "--epochs", "4", "--hidden", "8"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a table, a teacher in both formats, a regressor of arrays, and two students."""
    folder = tmp_path_factory.mktemp("cli")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": rng.integers(18, 80, N),
            "height": np.where(rng.random(N) < 0.1, np.nan, rng.normal(170, 10, N).round(1)),
            "zip": [f"{i:03d}" for i in rng.integers(0, 5, N)],
            "job": rng.choice(["cook", "clerk", "smith"], N),
            "member": rng.random(N) < 0.5,
        }
    )
    table["class"] = np.where((table["age"] > 50) ^ (table["job"] == "cook"), "yes", "no")
    table.to_csv(folder / "train.csv", index=False)
    table.to_parquet(folder / "train.parquet")
    numbers = table[["age", "height"]].fillna(170)
    numbers.assign(y=0.3 * numbers["age"]).to_csv(folder / "numbers.csv", index=False)
    X = pd.read_csv(folder / "train.csv", dtype={"zip": str}).drop(columns="class")
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")), remainder="passthrough"
    )
    forest = make_pipeline(encoder, RandomForestClassifier(10, random_state=0)).fit(X, table["class"])
    joblib.dump(forest, folder / "forest.joblib")
    joblib.dump(
        RandomForestRegressor(10, random_state=0).fit(numbers.to_numpy(), 0.3 * numbers["age"]),
        folder / "regressor.joblib",
    )
    arguments = ["--target", "class", "--nominal", "zip", "--teacher", str(folder / "forest.joblib"), "--trust-pickle"]
    assert main(["fit", str(folder / "train.csv"), *arguments, *FAST, "--out", str(folder / "s.safetensors")]) == 0
    return folder


def read(path):
    return pd.read_csv(path, dtype={"zip": str})


# ---------------------------------------------------------------- what works
def test_predict_gives_what_the_student_gives(run, folder, tmp_path):
    code, out, err = run("predict s.safetensors train.csv --drop class")
    assert code == 0 and "160 rows" in err
    (tmp_path / "p.csv").write_text(out)
    found = pd.read_csv(tmp_path / "p.csv")
    student = load_student(folder / "s.safetensors")
    X = read(folder / "train.csv").drop(columns="class")
    np.testing.assert_allclose(found[["probability_no", "probability_yes"]], student.predict_proba(X), rtol=1e-12)
    assert (found["prediction"] == student.predict(X)).all()
    assert student.schema_.columns_[2].categories[0] == "000"  # codes stay text


def test_a_warning_of_the_library_is_one_line_without_its_place_in_the_code(run, monkeypatch):
    monkeypatch.setattr("compress.cli._predict.check_output", lambda *a, **k: warnings.warn("mind this", stacklevel=1))
    code, _, err = run("predict s.safetensors train.csv --drop class")
    assert code == 0 and "warning: mind this\n" in err and ".py:" not in err


def test_parquet_and_csv_give_the_same_and_join_keeps_the_columns(run, tmp_path):
    assert run("predict s.safetensors train.parquet --drop class --join --out tmp/p.parquet")[0] == 0
    assert run("predict s.safetensors train.csv --drop class --out tmp/p.csv")[0] == 0
    one, other = pd.read_parquet(tmp_path / "p.parquet"), pd.read_csv(tmp_path / "p.csv")
    np.testing.assert_allclose(one["probability_yes"], other["probability_yes"], rtol=1e-12)
    assert list(one.columns[:2]) == ["age", "height"]


def test_evaluate_with_a_teacher(run):
    code, out, _ = run("evaluate s.safetensors train.csv --target class --teacher forest.joblib --trust-pickle")
    result = json.loads(out)
    assert code == 0 and set(result) > {"rows", "rmse", "accuracy", "agreement", "rmse_to_teacher"}
    assert result["accuracy"]["teacher"] > 0.9 and 0 <= result["agreement"]["student"] <= 1


def test_fit_a_regression_from_a_teacher_of_arrays(run):
    line = "fit numbers.csv --target y --teacher regressor.joblib --trust-pickle --test numbers.csv"
    code, out, err = run(" ".join([line, *FAST, "--out tmp/r.safetensors"]))
    result = json.loads(out)
    assert code == 0 and result["task"] == "regression" and "transfer set of 480" in err
    assert set(result["test"]["rmse"]) == {"student", "teacher"}
    assert run("predict tmp/r.safetensors numbers.csv --drop y")[1].splitlines()[0] == "prediction"
    assert set(json.loads(run("evaluate tmp/r.safetensors numbers.csv --target y")[1])["r2"]) == {"student"}


TREES = "--student trees --p 0.2 --size-multiplier 3"
FOREST = "--target class --nominal zip --teacher forest.joblib --trust-pickle"


def test_fit_chooses_a_student_and_prints_who_competed_and_the_verdict(run):
    code, out, err = run(f"fit train.csv {FOREST} {TREES} --test train.csv --out tmp/t.safetensors")
    result = json.loads(out)
    assert code == 0 and result["family"] == "trees" and "rounds of boosted trees" in result["model"]
    assert sum(row["chosen"] for row in result["candidates"]) == 1
    assert "| candidate | bytes |" in err and result["verdict"] in err
    assert {"student", "teacher"} <= set(result["test"]["rmse"])
    found = json.loads(run("inspect tmp/t.safetensors")[1])
    assert (found["family"], found["n_iter"]) == ("trees", result["n_iter"])
    assert run("predict tmp/t.safetensors train.csv --drop class")[0] == 0


def test_a_student_within_bytes(run):
    code, out, _ = run(f"fit train.csv {FOREST} {TREES} --budget-bytes 2500 --out tmp/t.safetensors")
    assert code == 0 and json.loads(out)["bytes"] <= 2500


def test_taught_tables_may_choose_too_and_the_answers_judge(run):
    assert run(f"label train.csv {FOREST.replace('--target', '--drop')} --out tmp/l.parquet")[0] == 0
    code, out, err = run("fit tmp/l.parquet --taught --nominal zip --student trees --out tmp/t.safetensors")
    assert code == 0 and json.loads(out)["family"] == "trees" and "judged by the teacher's answers" in err


def test_a_net_that_is_described_is_taken_as_it_is(run):
    line = f"fit train.csv {FOREST} {' '.join(FAST)} --out tmp/n.safetensors"
    code, out, _ = run(line)
    result = json.loads(out)
    assert code == 0 and result["hidden_layer_sizes"] == [8] and "candidates" not in result
    code, _, err = run(line.replace("n.safetensors", "other.safetensors") + " --student trees")
    assert code == 2 and "--hidden, --frequencies and --epochs describe a net, but --student is trees" in err


def test_fit_without_a_teacher_trains_the_default_one(run, tmp_path):
    code, out, err = run(" ".join(["fit train.csv --target class --nominal zip", *FAST, "--out tmp/d.safetensors"]))
    result = json.loads(out)
    assert code == 0 and result["task"] == "classification" and result["teacher_bytes"] > 10 * result["bytes"]
    assert "taken for classification (--task says otherwise)" in err and "teacher" in err
    assert load_student(tmp_path / "d.safetensors").classes_.tolist() == ["no", "yes"]


def test_generate_label_and_fit_on_the_labels(run, tmp_path):
    assert run("generate train.csv --drop class --nominal zip --rows 50 --out tmp/rows.csv")[0] == 0
    assert len(read(tmp_path / "rows.csv")) == 50
    line = "label tmp/rows.csv --nominal zip --teacher forest.joblib --trust-pickle --out tmp/labelled.parquet"
    assert run(line)[0] == 0
    code, out, _ = run(
        "fit tmp/labelled.parquet --taught --nominal zip --epochs 2 --frequencies 3 --out tmp/t.safetensors"
    )
    assert code == 0 and json.loads(out)["hidden_layer_sizes"] == [256]
    assert load_student(tmp_path / "t.safetensors").classes_.tolist() == ["no", "yes"]
    assert json.loads(run("inspect tmp/t.safetensors")[1])["n_frequencies"] == 3


def test_export_and_inspect(run, tmp_path):
    pytest.importorskip("onnxruntime")
    line = "export s.safetensors --onnx tmp/s.onnx --c tmp/s.c --name shop --check train.csv --drop class"
    code, out, _ = run(line)
    result = json.loads(out)
    assert code == 0 and result["onnx"]["max_difference"] < 1e-5 and result["onnx"]["n_rows"] == N
    assert "shop_predict" in (tmp_path / "s.h").read_text()
    code, out, _ = run("inspect s.safetensors")
    result = json.loads(out)
    assert code == 0 and result["classes"] == ["no", "yes"]
    assert [c["name"] for c in result["columns"]] == ["age", "height", "zip", "job", "member"]
    assert result["n_bins"] == 0 and "bins" not in result["columns"][0]


def test_inspect_shows_the_bins_of_each_column(run, tmp_path):
    rows = np.random.default_rng(0).normal(size=(60, 2)) * [1, 0]
    student = StudentRegressor((), encoding=PiecewiseLinearEncoding(4), max_epochs=1, random_state=0)
    student.fit(pd.DataFrame(rows, columns=["cut", "constant"]), rows[:, 0] ** 2).save(tmp_path / "c.safetensors")
    result = json.loads(run("inspect tmp/c.safetensors")[1])
    assert result["n_bins"] == 4
    assert [column.get("bins") for column in result["columns"]] == [4, None]


def test_a_skops_teacher_needs_no_trust(run, folder, tmp_path):
    skops = pytest.importorskip("skops.io")
    skops.dump(joblib.load(folder / "forest.joblib"), tmp_path / "f.skops")
    assert run("label train.csv --drop class --nominal zip --teacher tmp/f.skops --out tmp/l.csv")[0] == 0
    assert "teacher::probability::text::yes" in read(tmp_path / "l.csv")


def test_a_byte_order_mark_another_order_and_another_delimiter(run, folder, tmp_path):
    table = read(folder / "train.csv")
    table[table.columns[::-1]].to_csv(tmp_path / "t.csv", index=False, sep=";", encoding="utf-8-sig")
    straight = run("predict s.safetensors train.csv --drop class")[1]
    assert run("predict s.safetensors tmp/t.csv --drop class --sep ;")[1] == straight


@pytest.mark.parametrize("command", ["fit", "predict", "generate", "label", "evaluate", "export", "inspect"])
def test_help_of_each_command_has_an_example(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"example:\n  python -m compress {command} " in capsys.readouterr().out


def test_help_is_quick_and_has_examples():
    probe = "import sys; from compress.cli import main\ntry: main(['fit', '--help'])\nexcept SystemExit: pass\n"
    probe += "assert 'torch' not in sys.modules and 'pandas' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "example:\n  python -m compress fit" in done.stdout


def test_unseen_categories_are_counted(run, folder, tmp_path):
    read(folder / "train.csv").replace("cook", "pilot").to_csv(tmp_path / "t.csv", index=False)
    code, _, err = run("predict s.safetensors tmp/t.csv --drop class")
    assert code == 0 and "'job' holds" in err and "('pilot'); they count as missing" in err


# ---------------------------------------------------------------- bad input
def bad_table(folder, tmp_path, change):
    path = tmp_path / "bad.csv"
    change(read(folder / "train.csv").drop(columns="class"), path)
    return path


BAD_TABLES = {
    "missing": (
        lambda t, p: t.drop(columns="job").to_csv(p, index=False),
        "has no column 'job', which the model needs",
    ),
    "extra": (lambda t, p: t.assign(more=1).to_csv(p, index=False), "leave them out with --drop more"),
    "renamed": (lambda t, p: t.rename(columns={"age": "Age"}).to_csv(p, index=False), "did you mean 'Age'"),
    "text": (
        lambda t, p: t.assign(age=["old", "older", *t["age"][2:]]).to_csv(p, index=False),
        "'age' must hold numbers, got 'old' in row 1 and 1 more",
    ),
    "empty": (lambda t, p: p.write_bytes(b""), "is empty"),
    "no rows": (lambda t, p: t.head(0).to_csv(p, index=False), "has columns but no rows"),
    "delimiter": (lambda t, p: t.to_csv(p, index=False, sep=";"), "Pass the right delimiter: --sep ';'"),
    "twice": (lambda t, p: t.rename(columns={"age": "job"}).to_csv(p, index=False), "'job' more than once"),
    "ragged": (lambda t, p: p.write_text("a,b\n1,2\n1,2,3\n"), "bad.csv, line 3: 3 values, but the header"),
    "binary": (lambda t, p: p.write_bytes(b"a,b\n\xff\xfe,1\n"), "is not UTF-8 text"),
    "infinite": (lambda t, p: t.assign(height=np.inf).to_csv(p, index=False), "infinity: column 'height'"),
    "folder": (lambda t, p: p.mkdir(), "is not a file"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_table_that_cannot_be_used(case, run, folder, tmp_path):
    change, message = BAD_TABLES[case]
    bad_table(folder, tmp_path, change)
    code, out, err = run("predict s.safetensors tmp/bad.csv")
    assert (code, out) == (1, "")
    assert message in err and "Traceback" not in err


BAD_LINES = {
    "predict s.safetensors train.csv": (1, "columns that the model does not know: leave them out with --drop class"),
    "predict s.safetensors nowhere.csv": (1, "nowhere.csv is not a file"),
    "predict nowhere.safetensors train.csv": (1, "must name a saved student"),
    "predict forest.joblib train.csv": (1, "is not a saved student"),
    "predict s.safetensors train.csv --drop class --out s.safetensors": (1, "s.safetensors exists"),
    "predict s.safetensors train.csv --drop class --out no/such/p.csv": (1, "there is no folder"),
    "predict s.safetensors train.csv --drop klass": (1, "has no column 'klass'; did you mean 'class'"),
    "fit train.csv --target klass --out tmp/s": (1, "has no column 'klass'; did you mean 'class'"),
    "fit train.csv --target class --teacher forest.joblib --out tmp/s": (1, "--trust-pickle"),
    "fit train.csv --target class --teacher no.skops --out tmp/s": (1, "is not a file"),
    "fit train.csv --target class --teacher s.safetensors --trust-pickle --out tmp/s": (1, "cannot be loaded"),
    "fit train.csv --out tmp/s": (2, "fit needs --target COLUMN"),
    "fit train.csv --target height --out tmp/s": (1, "the target 'height' is missing in"),
    "fit train.csv --taught --out tmp/s": (1, "not a table with a teacher's answers"),
    "fit train.csv --target class --nominal zap --out tmp/s": (1, "has no column 'zap'; did you mean 'zip'"),
    "evaluate s.safetensors train.csv --target job": (1, "has no column"),
    "generate train.csv --rows 0": (1, "--rows must be at least 1"),
    "export s.safetensors": (2, "export needs --onnx FILE, --c FILE or --js FILE, or several of them"),
    "export s.safetensors --c tmp/s.c --name 1st": (1, "must be a C identifier"),
    "export s.safetensors --c train.csv": (1, "train.csv exists"),
}


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_command_that_cannot_be_done(line, run, folder, tmp_path):
    expected, message = BAD_LINES[line]
    if line.startswith("evaluate"):
        line = line.replace("job", "job --drop class")
    code, out, err = run(line)
    assert (code, out) == (expected, "")
    assert message in err and "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_wrong_arguments_exit_with_2(run, capsys):
    with pytest.raises(SystemExit, match="2"):
        run("predict")
    with pytest.raises(SystemExit, match="2"):
        run("export s.safetensors --precision int4")


def test_an_interruption_exits_with_130(run, monkeypatch):
    def interrupted(path):
        raise KeyboardInterrupt

    monkeypatch.setattr("compress.cli._inspect.load_student", interrupted)
    assert run("inspect s.safetensors") == (130, "", "interrupted\n")


def test_overwrite_replaces(run, folder, tmp_path):
    (tmp_path / "p.csv").write_text("old")
    assert run("predict s.safetensors train.csv --drop class --out tmp/p.csv")[0] == 1
    assert (tmp_path / "p.csv").read_text() == "old"
    assert run("predict s.safetensors train.csv --drop class --out tmp/p.csv --overwrite")[0] == 0
    assert len(read(tmp_path / "p.csv")) == N


@pytest.mark.parametrize("damage", ["truncated", "tampered", "foreign"])
def test_a_damaged_model_file(damage, run, folder, tmp_path):
    content = bytearray((folder / "s.safetensors").read_bytes())
    if damage == "truncated":
        content = content[: len(content) // 2]
    elif damage == "tampered":
        content[-1] ^= 1
    else:
        content = b"PK\x03\x04 something else"
    (tmp_path / "bad").write_bytes(content)
    code, _, err = run("inspect tmp/bad")
    assert code == 1 and ("damaged student file" in err or "is not a saved student" in err)


def test_a_skops_file_with_types_of_its_own(run, folder, tmp_path):
    skops = pytest.importorskip("skops.io")
    skops.dump({"run": subprocess.run}, tmp_path / "evil.skops")
    code, _, err = run("label train.csv --drop class --teacher tmp/evil.skops")
    assert code == 1 and "nobody has vouched for: subprocess.run" in err


def test_an_unfitted_teacher_and_no_estimator(run, tmp_path):
    joblib.dump(RandomForestClassifier(), tmp_path / "a.joblib")
    joblib.dump([1, 2], tmp_path / "b.joblib")
    line = "label train.csv --drop class --trust-pickle --teacher tmp/"
    assert "is not fitted: fit RandomForestClassifier first" in run(f"{line}a.joblib")[2]
    assert "which is not an estimator" in run(f"{line}b.joblib")[2]


@pytest.mark.parametrize(("number", "code", "said"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")])
def test_a_signal_while_the_student_learns_ends_the_command_and_writes_nothing(number, code, said, tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(400, 3)), columns=list("abc")).assign(y=rng.choice(["u", "v"], 400))
    table.to_csv(tmp_path / "t.csv", index=False)
    command = [sys.executable, "-m", "compress", "fit", "t.csv", "--target", "y", "--p", "0.2", "--epochs", "10000"]
    command += ["--teacher", "f.joblib", "--trust-pickle", "--size-multiplier", "5", "--out", "s.safetensors"]
    forest = RandomForestClassifier(3, random_state=0).fit(table[list("abc")], table["y"])
    joblib.dump(forest, tmp_path / "f.joblib")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # a shell lets what it starts in the background ignore SIGINT, and a test run hands that down
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for line in process.stderr:
        if line.startswith("fitting"):
            break
    time.sleep(3)  # past the labels, into an hour of training
    process.send_signal(getattr(signal, number))
    out, err = process.communicate(timeout=60)
    # an interrupt within exec(), as dataclasses call it, makes CPython end itself by the signal: shells say 130, too
    own = {code, -signal.SIGINT} if number == "SIGINT" else {code}
    assert process.returncode in own and out == "", err
    assert said in err and "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.joblib", "t.csv"]


def test_sigterm_while_a_file_is_written_leaves_no_hidden_file(run, tmp_path, monkeypatch):
    def killed(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)  # the handler runs before this ends

    monkeypatch.setattr(os, "fsync", killed)
    code, _, err = run("predict s.safetensors train.csv --drop class --out tmp/p.csv")
    assert code == 143 and "terminated" in err
    assert not list(tmp_path.iterdir())
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_pipe_is_written_and_needs_no_permission_to_be_replaced(run, folder, tmp_path):
    os.mkfifo(tmp_path / "p.csv")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "p.csv").read_text()))
    reader.start()
    assert run("predict s.safetensors train.csv --drop class --out tmp/p.csv")[0] == 0
    reader.join(10)
    assert read[0].startswith("prediction,") and (tmp_path / "p.csv").is_fifo()
    assert run("predict s.safetensors train.csv --drop class --out /dev/null")[0] == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("generate train.csv --rows 2 --out tmp/g.parquet", "pyarrow"),
        ("generate train.csv --rows 2 --out tmp/g.csv.zst", "pyarrow"),
        ("export s.safetensors --onnx tmp/s.onnx", "onnx"),
        ("export s.safetensors --onnx tmp/s.onnx --c tmp/s.c", "onnxruntime"),
        ("predict s.safetensors train.parquet --drop class", "pyarrow"),
    ],
)
def test_a_package_that_is_missing_is_known_before_any_work(line, package, run, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == package else find(name, *a))
    code, out, err = run(line)
    assert (code, out) == (1, "") and f"need the package '{package}': pip install" in err and "[cli]" in err
    assert "rows" not in err and not list(tmp_path.iterdir())
