"""MNIST and two parts of it, from files in MNIST's own format.

mnist5k and mnist10k both come from MNIST's *training* images: mnist10k is its first
10,000, and every image of mnist5k (the first 500 of each digit) is among them. So
neither can test what was trained on the other; `mnist_test` can.
"""

from __future__ import annotations

import numpy as np

from data._registry import DATASETS
from data.prepare import content

__all__ = ["load_mnist"]

PARTS = {
    "mnist5k": "mnist5k",
    "mnist10k": "mnist10k",
    "mnist_train": "mnist",
    "mnist_test": "mnist",
}
"""What can be loaded -> the data set whose files hold it."""


def load_mnist(
    which: str = "mnist10k", *, scale: bool = False, exclude: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Handwritten digits, one image a row.

    Parameters
    ----------
    which : {"mnist5k", "mnist10k", "mnist_train", "mnist_test"}, default="mnist10k"
        5,000, 10,000, 60,000 or 10,000 images. The first two are ordered by class:
        shuffle them before splitting.
    scale : bool, default=False
        Whether to give float32 in [0, 1] instead of uint8 in 0 to 255.
    exclude : str, optional
        Another of these names: images that occur there, pixel for pixel, are left
        out. `load_mnist("mnist_train", exclude="mnist10k")` has 50,000 images,
        `load_mnist("mnist5k", exclude="mnist10k")` has none.

    Returns
    -------
    images : ndarray of shape (n, 784)
    labels : ndarray of shape (n,), int64
    """
    for key, value in (("which", which), ("exclude", exclude)):
        if value not in PARTS and not (key == "exclude" and value is None):
            raise ValueError(f"{key} must be one of {', '.join(PARTS)}, got {value!r}.")
    images = _read(which, "images").reshape(-1, 784)
    labels = _read(which, "labels").astype(np.int64)
    if exclude is not None:
        keep = ~occurs_in(images, _read(exclude, "images").reshape(-1, 784))
        images, labels = images[keep], labels[keep]
    return (images.astype(np.float32) / 255 if scale else images), labels


def occurs_in(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each row of uint8, whether it is equal to some row of `others`."""
    known = {row.tobytes() for row in others}
    return np.array([row.tobytes() in known for row in rows], dtype=bool)


def read_idx(data: bytes) -> np.ndarray:
    """An array from MNIST's own format: type, number of axes, their sizes, the bytes.

    Only the type for unsigned bytes is read, the one that MNIST has.
    """
    if data[:3] != b"\0\0\x08":
        raise ValueError(f"an idx file of bytes must start with 00 00 08, got {data[:3].hex()}.")
    n_axes = data[3]
    shape = np.frombuffer(data, dtype=">u4", count=n_axes, offset=4)
    return np.frombuffer(data, dtype=np.uint8, offset=4 + 4 * n_axes).reshape(shape).copy()


def _read(which: str, kind: str) -> np.ndarray:
    file = f"{which}-{kind}.idx.gz"
    assert file in DATASETS[PARTS[which]].files
    return read_idx(content(PARTS[which], file))
