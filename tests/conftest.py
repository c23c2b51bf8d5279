"""Shared by all tests."""

import pytest
import torch

# Small nets on two cores: handing work to a second thread costs ten times what it gains.
torch.set_num_threads(1)


@pytest.fixture(scope="module")
def short_lessons():
    """Candidates that learn for seconds: for tests of what is done with a chosen student, not of how good it is."""
    from compress.search import _candidates

    real = _candidates.net_student
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_candidates, "net_student", lambda *a, **options: real(*a, **options).set_params(max_epochs=12))
        patch.setattr(_candidates, "ROUNDS", 60)
        yield


@pytest.fixture
def run(folder, tmp_path, monkeypatch, capsys):
    """Runs a command in the `folder` of the test file; gives exit code, stdout and stderr. `tmp/` is a fresh folder."""
    from compress.cli import main

    monkeypatch.chdir(folder)

    def run(line):
        code = main([part.replace("tmp/", f"{tmp_path}/") for part in line.split()])
        out = capsys.readouterr()
        return code, out.out, out.err

    return run
