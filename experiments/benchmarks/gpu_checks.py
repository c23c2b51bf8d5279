"""Whether a GPU fits what the CPU fits, and leaves what loads without one: part of `experiments.benchmarks.gpu`."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from compress import load_student
from compress.training import resolve_device, train
from experiments.benchmarks.gpu_cases import CASES, N_TRAIN, plain

__all__ = ["compare", "messages", "read_back"]

# of the mean error over the seeds, GPU against CPU: where all draws are the same, fits differ by rounding alone
TOLERANCE = 0.03
# dropout, shifts and negatives are drawn from the device's own stream: other draws, as of another seed
LOOSE_TOLERANCE = 0.08
LOOSE = ("dropout", "augmented", "RankingDistiller")


class _Heard(logging.Handler):
    """What the training loop says about its steps."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.reasons, self.n_replayed = [], 0

    def emit(self, record):
        text = record.getMessage()
        if "not captured" in text:
            self.reasons.append(text.split(": ", 1)[1])
        elif "replayed" in record.msg:
            self.n_replayed += record.args[-1]


def _listened(function, *args):
    """The result of a fit, the seconds it took, and what was heard meanwhile."""
    logger, heard = logging.getLogger("compress.training"), _Heard()
    level, _ = logger.level, logger.addHandler(heard)
    logger.setLevel(logging.DEBUG)
    started = time.perf_counter()
    try:
        result = function(*args)
    finally:
        logger.removeHandler(heard)
        logger.setLevel(level)
    return result, time.perf_counter() - started, heard


def compare(name: str, seeds, device: str) -> dict:
    """One case on `device` and on the CPU: errors, their agreement, seconds, whether steps were replayed."""
    row = {"case": name, "error_cpu": [], "error_device": [], "largest_difference": [], "seconds": []}
    reasons, n_replayed = [], 0
    for seed in seeds:
        (_, on_device, found), seconds, heard = _listened(CASES[name], seed, device)
        # without a GPU there is nothing to compare: the fit is tried, that is all
        _, on_cpu, expected = CASES[name](seed, "cpu") if device != "cpu" else (None, on_device, found)
        reasons += heard.reasons
        n_replayed += heard.n_replayed
        row["error_cpu"].append(on_cpu)
        row["error_device"].append(on_device)
        row["largest_difference"].append(float(np.abs(np.asarray(found) - np.asarray(expected)).max()))
        row["seconds"].append(seconds)
    row["difference"] = float(np.mean(row["error_device"]) - np.mean(row["error_cpu"]))
    row["tolerance"] = LOOSE_TOLERANCE if any(word in name for word in LOOSE) else TOLERANCE
    row["agrees"] = bool(abs(row["difference"]) <= row["tolerance"])
    row["replayed"] = n_replayed
    row["eager_because"] = reasons[0] if reasons else None
    return row


READ_BACK = """
import pickle, sys
import numpy as np, torch
from compress import load_student
assert not torch.cuda.is_available()
rows = np.load(sys.argv[1] + "/rows.npy")
with open(sys.argv[1] + "/models.pickle", "rb") as file:
    models = pickle.load(file)
for name, (model, expected) in models.items():
    found = model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows)
    print(name, float(np.abs(found - expected).max()), sep="\\t")
found = load_student(sys.argv[1] + "/student.safetensors").predict_proba(rows)
print("load_student", float(np.abs(found - models["StudentClassifier"][1]).max()), sep="\\t")
"""
PICKLED = (
    "StudentClassifier",
    "StudentClassifier, bottleneck, periodic",
    "StudentRegressor, two outputs, weights",
    "DistilledClassifier",
    "MimicRegressor",
    "FitNetClassifier, two stages",
    "RocketClassifier",
)


def read_back(device: str) -> dict:
    """Fit on `device`, pickle and save, load in a process that sees no GPU; largest difference of the predictions."""
    rows = plain(0)[0][N_TRAIN:]
    with tempfile.TemporaryDirectory() as folder:
        models = {}
        for name in PICKLED:
            model, _, expected = CASES[name](0, device)
            models[name] = (model, expected)
        models["StudentClassifier"][0].save(Path(folder) / "student.safetensors")
        with open(Path(folder) / "models.pickle", "wb") as file:
            pickle.dump(models, file)
        np.save(Path(folder) / "rows.npy", rows)
        blind = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
        command = [sys.executable, "-c", READ_BACK, folder]
        done = subprocess.run(command, env=blind, capture_output=True, text=True, timeout=120)
        if done.returncode:
            return {"failed": done.stderr[-2000:]}
        read = load_student(Path(folder) / "student.safetensors")
        assert next(read.module_.parameters()).device.type == "cpu"
    return {name: float(value) for name, value in (line.split("\t") for line in done.stdout.splitlines())}


def messages(device: str) -> dict:
    """What is said about devices that are not there, and about too little memory."""
    said = {"auto": str(resolve_device("auto"))}
    for name in ("cuda", "cuda:99", "mps", "meta", "abacus"):
        try:
            said[name] = f"accepted: {resolve_device(name)}"
        except ValueError as error:
            said[name] = str(error)
    if device != "cpu":
        net = torch.nn.Linear(1, 1 << 16).to(device)
        rows = torch.zeros(1 << 21, 1)
        try:
            train(
                net,
                (rows,),
                lambda batch, clock: net(batch[0]).square().mean(),
                max_epochs=1,
                batch_size=1 << 21,
                learning_rate=1e-3,
            )
            said["too little memory"] = "it was enough"
        except MemoryError as error:
            said["too little memory"] = str(error)
        del net
        torch.cuda.empty_cache()
    return said
