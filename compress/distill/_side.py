"""One net of a jointly trained pair, fitted: it predicts by itself, so that the other can be dropped."""

from __future__ import annotations

import copy

import numpy as np
import torch

from compress.nets import weights_to_bytes
from compress.schema import FieldEncoder
from compress.training import single_thread

__all__ = ["SideClassifier"]

CHUNK = 8192  # rows predicted at a time


class SideClassifier:
    """One net of a jointly trained pair, with all it needs to predict from a table.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    module_ : torch module in eval mode, on the CPU
    encoder_ : FieldEncoder
    n_parameters_ : int
    """

    def __init__(self, module, encoder: FieldEncoder, objective, classes):
        self.module_, self.encoder_, self.objective_, self.classes_ = module, encoder, objective, classes
        self.n_parameters_ = sum(p.numel() for p in module.parameters())

    def logits(self, X) -> np.ndarray:
        """Log-odds of the second class, of shape (n_rows, 1), or logits of shape (n_rows, n_classes)."""
        blocks = [torch.from_numpy(np.ascontiguousarray(block)) for block in self.encoder_.encode(X).blocks]
        # in double a row's result does not depend on the rows it is predicted with
        module = copy.deepcopy(self.module_).double().eval()
        with torch.no_grad(), single_thread():
            parts = [module(*(b[i : i + CHUNK] for b in blocks)) for i in range(0, max(len(blocks[0]), 1), CHUNK)]
        return torch.cat(parts).numpy()

    def predict_proba(self, X) -> np.ndarray:
        """Class probabilities, float64 of shape (n_rows, n_classes), columns as in `classes_`."""
        outputs = torch.from_numpy(self.logits(X))
        return self.objective_.logits(outputs).softmax(dim=1).numpy()

    def predict(self, X) -> np.ndarray:
        """The most probable class of each row, of shape (n_rows,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def to_bytes(self) -> bytes:
        """The weights in safetensors' format: what serving this net takes."""
        return weights_to_bytes(self.module_)
