"""Tables that several tests use."""

import numpy as np
import pandas as pd


def mixed_table(n=60, seed=0):
    """A column of each kind of dtype that users have, with missing values where the dtype can."""
    rng = np.random.default_rng(seed)

    def holes(values):
        return [None if rng.random() < 0.1 else v for v in values]

    return pd.DataFrame(
        {
            "float64": rng.normal(size=n),
            "float32": rng.normal(size=n).astype(np.float32),
            "with_nan": pd.Series(holes(rng.normal(size=n)), dtype="float64"),
            "int64": rng.integers(-5, 100, size=n),
            "uint8": rng.integers(0, 256, size=n).astype(np.uint8),
            "Int64": pd.array(holes(rng.integers(0, 9, size=n)), dtype="Int64"),
            "Float64": pd.array(holes(rng.normal(size=n)), dtype="Float64"),
            "bool": rng.random(n) < 0.3,
            "boolean": pd.array(holes(rng.random(n) < 0.3), dtype="boolean"),
            "string": pd.Series(holes(rng.choice(["a", "b", "c"], n)), dtype="string"),
            "object": pd.Series(holes(rng.choice(["x", "y"], n)), dtype=object),
            "category": pd.Categorical(holes(rng.choice(["lo", "hi"], n)), ["lo", "mid", "hi"], ordered=True),
            "codes": pd.Categorical(rng.integers(0, 4, n)),
        }
    )


def as_bytes(tensors) -> dict:
    """Tensors of torch as NumPy arrays of their bytes, of which a student's file has the checksum."""
    import torch

    return {name: t.detach().contiguous().reshape(-1).view(torch.uint8).numpy() for name, t in tensors.items()}
