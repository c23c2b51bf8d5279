"""Generators work where numba cannot keep compiled code: read-only folders, full disks, damaged files."""

import errno
import importlib.util
import logging
import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest
from numba.core import caching

from compress.schema import _compiled

ROOT = Path(__file__).parents[1]
CODE = """
from compress.schema import compiled

@compiled(fastmath={"nsz"})
def inner(x):
    return x + 1

@compiled()
def outer(x):
    return 2 * inner(x)
"""


@pytest.fixture
def call(tmp_path, monkeypatch, caplog):
    """Calls a function that is compiled anew or comes from the cache in `tmp_path`; gives its result and the notes."""
    source = tmp_path / "source.py"
    source.write_text(CODE)
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    caplog.set_level(logging.WARNING)

    def call(x=1):
        _compiled._said.clear()
        caplog.clear()
        spec = importlib.util.spec_from_file_location("source", source)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found = module.outer(x)
        return found, [record.getMessage() for record in caplog.records], module.outer

    return call


def kept(tmp_path, ending):
    return sorted((tmp_path / "cache").rglob(f"*.{ending}"))


def test_compiled_code_is_kept_on_disk(call, tmp_path):
    assert call()[:2] == (4, [])
    assert len(kept(tmp_path, "nbi")) == len(kept(tmp_path, "nbc")) == 2
    found, notes, function = call()
    assert (found, notes) == (4, []) and sum(function.stats.cache_hits.values()) == 1


def test_without_a_folder_code_is_compiled_with_one_note(call, monkeypatch):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])  # none fits, as in a read-only container
    found, notes, _ = call()
    assert found == 4 and len(notes) == 1
    assert "numba cannot use its cache of compiled code (RuntimeError: cannot cache function" in notes[0]
    assert "Set NUMBA_CACHE_DIR to a folder that can be written" in notes[0]


def test_on_a_full_disk_code_is_compiled_with_one_note(call, monkeypatch, tmp_path):
    def full(self, path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(caching.IndexDataCacheFile, "_open_for_write", full)
    found, notes, _ = call()
    assert found == 4 and len(notes) == 1 and "No space left on device" in notes[0]
    assert not kept(tmp_path, "nbi")


def test_without_just_in_time_compilation_the_function_itself_is_called(call, monkeypatch):
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    assert call()[:2] == (4, [])


DAMAGES = {
    "empty": lambda content: b"",
    "cut off": lambda content: content[: len(content) // 2],
    "no pickle": lambda content: b"\x00" * len(content),
    "text": lambda content: b"no such thing\n",
}


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cache_is_made_anew(damage, ending, call, tmp_path):
    call()
    for path in kept(tmp_path, ending):
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    found, notes, _ = call()
    assert found == 4 and len(notes) == 1 and "numba cannot use its cache" in notes[0]
    found, notes, function = call()
    assert (found, notes) == (4, []) and sum(function.stats.cache_hits.values()) == 1


def test_a_folder_in_place_of_a_file_of_the_cache(call, tmp_path):
    call()
    for path in kept(tmp_path, "nbi"):
        path.unlink()
        path.mkdir()
    found, notes, _ = call()
    assert found == 4 and len(notes) == 1


def test_a_generator_works_in_a_process_that_can_write_nothing(tmp_path):
    code = "from numba.core import caching\ncaching.CacheImpl._locator_classes = []\n"
    code += "import numpy as np\nfrom compress.generators import Interpolation\n"
    code += "print(Interpolation(random_state=0).fit(np.eye(20)).sample(30).shape)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == "(30, 20)\n", done.stderr
    assert done.stderr.count("numba cannot use its cache") == 1
