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
    """One net of a jointly trained pair, with everything that it needs to predict from a table.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The label of each column of `predict_proba`.
    module_ : torch module
        The net, in eval mode on the CPU.
    encoder_ : FieldEncoder
        The encoder of the table.
    n_parameters_ : int
        The number of parameters of the net.
    """

    def __init__(self, module, encoder: FieldEncoder, objective, classes):
        self.module_, self.encoder_, self.objective_, self.classes_ = module, encoder, objective, classes
        self.n_parameters_ = sum(p.numel() for p in module.parameters())

    def logits(self, X) -> np.ndarray:
        """Compute the log-odds of the second class, of shape (n_rows, 1), or logits of shape (n_rows, n_classes)."""
        blocks = [torch.from_numpy(np.ascontiguousarray(block)) for block in self.encoder_.encode(X).blocks]
        # in double the result for a row does not depend on the other rows
        module = copy.deepcopy(self.module_).double().eval()
        with torch.no_grad(), single_thread():
            parts = [module(*(b[i : i + CHUNK] for b in blocks)) for i in range(0, max(len(blocks[0]), 1), CHUNK)]
        return torch.cat(parts).numpy()

    def predict_proba(self, X) -> np.ndarray:
        """Predict class probabilities, float64 of shape (n_rows, n_classes), with columns as in `classes_`."""
        outputs = torch.from_numpy(self.logits(X))
        return self.objective_.logits(outputs).softmax(dim=1).numpy()

    def predict(self, X) -> np.ndarray:
        """Predict the most probable class of each row, an array of shape (n_rows,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def to_bytes(self) -> bytes:
        """Return the weights in safetensors' format."""
        return weights_to_bytes(self.module_)
