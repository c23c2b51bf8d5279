"""Augmentation: changes of a batch of rows that leave the class as it is, drawn anew at each step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

__all__ = ["RandomShift", "captured"]


def captured(augment) -> bool:
    """Whether steps with this augmentation may be captured and replayed on a GPU.

    Parameters
    ----------
    augment : callable(rows) -> rows, or None
        The augmentation. A callable of your own says that it may be captured by an attribute `captured` that is True:
        then all that it draws comes from torch's random stream of the device of the rows, and nothing else in it
        changes from step to step.

    Examples
    --------
    >>> from compress.training import RandomShift, captured
    >>> captured(None), captured(lambda rows: rows)
    (True, False)
    """
    return augment is None or bool(getattr(augment, "captured", False))


@dataclass(frozen=True)
class RandomShift:
    """Shift square images by up to `pixels` in both directions, zeros coming in from outside.

    The jitter of Hinton et al. (2015) on MNIST has 2 pixels. The numbers are torch's, which
    `compress.training.train` seeds.

    Parameters
    ----------
    pixels : int, default=2
        The largest distance in each direction.

    Examples
    --------
    >>> import torch
    >>> RandomShift(1)(torch.ones(5, 9)).shape
    torch.Size([5, 9])
    """

    pixels: int = 2
    captured = True  # see `captured`

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Shifted copies of images of shape (n_rows, side * side), each by its own distance."""
        n, m = rows.shape
        side = round(m**0.5)
        if side * side != m:
            raise ValueError(f"RandomShift needs square images, got rows of {m} numbers, which is not a square.")
        p = self.pixels
        padded = F.pad(rows.view(n, side, side), (p, p, p, p))
        down, right = torch.randint(0, 2 * p + 1, (2, n, 1), device=rows.device)
        lines = torch.arange(side, device=rows.device)
        picture = torch.arange(n, device=rows.device)[:, None, None]
        return padded[picture, (down + lines)[:, :, None], (right + lines)[:, None, :]].reshape(n, m)
