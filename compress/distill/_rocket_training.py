"""How the nets of Rocket Launching are made and trained: settings, teacher, stages."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from compress._random import draw_seed
from compress.distill._joint import JointClassifier
from compress.distill._rocket_loss import all_logits, rocket_loss, unshare
from compress.nets import TabularInput, bottom_branches, interval_branches, layer_sizes
from compress.schema import Encoded
from compress.students import LOGIT_CLIP
from compress.training import isolated_rng

__all__ = ["RocketTraining"]


class RocketTraining(JointClassifier):
    """What `RocketClassifier` does in `fit`; the parameters are its own."""

    def _check_settings(self) -> None:
        if self.light_blocks > self.booster_blocks:
            raise ValueError(
                f"light_blocks must be at most booster_blocks, got {self.light_blocks} and {self.booster_blocks}."
            )
        if self.batch_norm and self.batch_size == 1:
            raise ValueError("batch_size must be at least 2 with batch_norm=True, got 1. Use batch_norm=False.")
        if not self.light_trains_shared and self.sharing == "interval":
            raise ValueError(
                "light_trains_shared=False needs sharing='bottom', where there is a shared representation; "
                "got sharing='interval'."
            )
        if self.sharing == "interval" and not len(layer_sizes(self, "group_sizes")):
            raise ValueError("group_sizes must name at least one width when sharing='interval', got none.")

    def _teacher_logits(self, table):
        if self.teacher is None or isinstance(self.teacher, str) or self.only is not None:
            return None
        check_is_fitted(self.teacher)
        if not np.array_equal(self.teacher.classes_, self.classes_):
            raise ValueError(
                f"teacher must know the classes of y, {list(self.classes_)}, got {list(self.teacher.classes_)}."
            )
        probabilities = np.asarray(self.teacher.predict_proba(table), dtype=np.float64)
        if not np.isfinite(probabilities).all():
            raise ValueError("teacher must give finite probabilities, got NaN or infinity for some rows of X.")
        return torch.from_numpy(np.log(np.maximum(probabilities, LOGIT_CLIP)).astype(np.float32))

    def _learn(self, data, held_out, rng, device) -> None:
        encoded = [block.numpy() for block in data.blocks]
        weight = None if data.weight is None else data.weight.numpy()
        with isolated_rng(draw_seed(rng)):
            light, booster = self._branches(encoded, weight)
            other = self._branches(encoded, weight)[1] if self.teacher == "booster" else None
        net = nn.ModuleDict({"light": light, "booster": booster}).to(device)
        if light.inputs.is_fixed:  # nothing is learned there: computed once
            data.blocks = (light.inputs.to(device)(*(b.to(device) for b in data.blocks)).cpu(),)
            if held_out is not None:
                held_out.blocks = (light.inputs(*(b.to(device) for b in held_out.blocks)).cpu(),)
        if other is not None and self.only is None:
            other = other.to(device)
            self._run_stage(other, data, self._alone(other), rng, served=other, held_out=held_out, stage="teacher")
            data.teacher = all_logits(other, data.blocks, self.objective_, device)
        if self.only is not None:
            one = net[self.only]
            self._run_stage(one, data, self._alone(one), rng, served=one, held_out=held_out, stage=self.only)
        elif self.joint:
            self._run_stage(net, data, self._rocket_loss(net), rng, served=light, held_out=held_out, stage="rocket")
        else:
            self._run_stage(
                booster, data, self._alone(booster), rng, served=booster, held_out=held_out, stage="booster"
            )
            if self.share:
                unshare(light)
            parameters = list(light.parameters())
            self._run_stage(
                net,
                data,
                self._rocket_loss(net, booster_learns=False),
                rng,
                served=light,
                held_out=held_out,
                stage="light",
                parameters=parameters,
            )
        self._keep_sides(net)

    def _branches(self, encoded, weight):
        table, schema = Encoded(*encoded), self.encoder_.schema_

        def make_inputs():
            inputs = TabularInput.from_encoded(table, schema, weight)
            if not self.standardize:
                inputs.mean.zero_(), inputs.scale.fill_(1.0)
            return inputs

        options = {"batch_norm": self.batch_norm, "dropout": self.dropout}
        common = {"share": self.share, "activation": self.activation, "booster_options": options}
        n_outputs = self.objective_.n_outputs
        if self.sharing == "interval":
            sizes = layer_sizes(self, "group_sizes")
            return interval_branches(make_inputs, sizes, self.light_blocks, self.booster_blocks, n_outputs, **common)
        sizes = [layer_sizes(self, f"{name}_layer_sizes") for name in ("shared", "light", "booster")]
        return bottom_branches(make_inputs, *sizes, n_outputs, **common)

    def _rows_per_batch(self, n_rows: int) -> int:
        # batch norm has no statistics of one row: no epoch may end in a batch of one
        size = self.batch_size
        while self.batch_norm and size < n_rows and n_rows % size == 1:
            size += 1
        return size

    def _rocket_loss(self, net, *, booster_learns: bool = True):
        return rocket_loss(self, net, self.objective_, booster_learns=booster_learns)

    def _served(self):
        return self.booster_ if self.only == "booster" else self.light_
