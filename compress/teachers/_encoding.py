"""The matrices that trees take, made from a schema's blocks: one encoding per call, shared by all members.

- "codes" (histogram boosting, forests, extra trees): continuous columns, then nominal codes, NaN where
  missing. Histogram boosting is told which columns are nominal; forests split on the codes. Forests
  on ADULT (4,000 rows) have a lower RMSE with codes than with one-hot columns (validation 0.316 against
  0.320 for random forests, 0.321 against 0.334 for extra trees) and predict faster.
- "filled" (classic gradient boosting, which takes no NaN): medians in place of NaN, an indicator for
  each column with missing values in training, and nominal columns one-hot (0.326 against 0.335 with
  codes), or as codes where there are many categories.
"""

from __future__ import annotations

import numpy as np

__all__ = ["MOST_CATEGORIES", "TreeEncoder"]

MOST_CATEGORIES = 255  # HistGradientBoosting bins a categorical column into at most 255
MOST_ONE_HOT = 64
LARGEST = 1e38  # forests compute in float32 and refuse what overflows it


class TreeEncoder:
    """Makes the matrices; it learns fill values, rare categories and empty columns from the training rows' blocks.

    Attributes
    ----------
    continuous_ : int array
        The positions of the continuous columns that are kept; those without any value in training are left out.
    fill_ : float array of shape (n_kept,)
        The training medians.
    holes_ : bool array of shape (n_kept,)
        Whether each column had missing values in training.
    levels_ : list of int arrays
        The code that each category gets, for each nominal column. Beyond 255 categories the rarest share the last code.
    sizes_ : list of int
        The number of codes of each nominal column.
    """

    def fit(self, encoded) -> TreeEncoder:
        """Learn from `encoded`, a `compress.schema.Encoded` of the training rows."""
        continuous, nominal = encoded
        missing = np.isnan(continuous)
        self.continuous_ = np.flatnonzero(~missing.all(axis=0))
        kept = continuous[:, self.continuous_]
        self.fill_ = np.nanmedian(kept, axis=0).astype(kept.dtype) if kept.size else np.zeros(0)
        self.holes_ = missing[:, self.continuous_].any(axis=0)
        self.levels_, self.sizes_ = [], []
        for column in nominal.T:
            counts = np.bincount(column[column >= 0], minlength=1)
            codes = np.arange(len(counts))
            if len(counts) > MOST_CATEGORIES:
                codes[np.argsort(-counts, kind="stable")] = np.minimum(codes, MOST_CATEGORIES - 1)
            self.levels_.append(codes)
            self.sizes_.append(int(codes.max()) + 1)
        return self

    @property
    def categorical(self) -> np.ndarray:
        """The mask of the nominal columns in the "codes" view."""
        return np.repeat([False, True], [len(self.continuous_), len(self.levels_)])

    def transform(self, encoded, views) -> dict:
        """Return the matrices named in `views`, as {view: float array of shape (n_rows, columns of the view)}."""
        continuous = np.clip(encoded.continuous[:, self.continuous_], -LARGEST, LARGEST)
        codes = self._codes(encoded.nominal)
        made = {}
        if "codes" in views:
            made["codes"] = _joined([continuous, codes])
        if "filled" in views:
            gaps = np.isnan(continuous)
            filled = np.where(gaps, self.fill_, continuous)
            made["filled"] = _joined([filled, *self._one_hot(codes), gaps[:, self.holes_]]).astype(np.float32)
        return made

    def _codes(self, nominal) -> np.ndarray:
        codes = np.empty(nominal.shape, dtype=np.float32)
        for k, levels in enumerate(self.levels_):
            column = nominal[:, k]
            # a code beyond these is a category of the schema that no training row has
            known = (column >= 0) & (column < len(levels))
            codes[:, k] = np.where(known, levels[np.where(known, column, 0)], np.nan)
        return codes

    def _one_hot(self, codes) -> list:
        """Return a block for each nominal column; a missing value is 0 everywhere, or -1 as a code."""
        blocks = []
        for k, size in enumerate(self.sizes_):
            column = codes[:, k : k + 1]
            many = size > MOST_ONE_HOT
            blocks.append(np.nan_to_num(column, nan=-1.0) if many else (column == np.arange(size)).astype(np.float32))
        return blocks


def _joined(blocks) -> np.ndarray:
    matrix = np.hstack(blocks)
    # where every column was empty, trees still need one, and learn the prior from it
    return np.ascontiguousarray(matrix) if matrix.shape[1] else np.zeros((len(matrix), 1), dtype=np.float32)
