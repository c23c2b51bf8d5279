"""Functions of arrays that NumPy lacks, without SciPy, whose import takes longer than reading a student.

References
----------
Moshier, "Cephes Mathematical Library", ndtr.c: the rational approximations of `erf`, to double precision.
"""

from __future__ import annotations

import numpy as np

__all__ = ["erf", "expit"]

# numerators and denominators, highest power first
NEAR = (
    (9.60497373987051638749e0, 9.00260197203842689217e1, 2.23200534594684319226e3, 7.00332514112805075473e3)
    + (5.55923013010394962768e4,),
    (1.0, 3.35617141647503099647e1, 5.21357949780152679795e2, 4.59432382970980127987e3, 2.26290000613890934246e4)
    + (4.92673942608635921086e4,),
)
FAR = (
    (2.46196981473530512524e-10, 5.64189564831068821977e-1, 7.46321056442269912687e0, 4.86371970985681366614e1)
    + (1.96520832956077098242e2, 5.26445194995477358631e2, 9.34528527171957607540e2, 1.02755188689515710272e3)
    + (5.57535335369399327526e2,),
    (1.0, 1.32281951154744992508e1, 8.67072140885989742329e1, 3.54937778887819891062e2, 9.75708501743205489753e2)
    + (1.82390916687909736289e3, 2.24633760818710981792e3, 1.65666309194161350182e3, 5.57535340817727675546e2),
)


def expit(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return the logistic function 1 / (1 + exp(-x)).

    Parameters
    ----------
    x : float array
        The numbers.
    out : float array of the same shape, optional
        The array that the result is written to.
    """
    with np.errstate(over="ignore"):  # exp is infinite then, and the result 0
        out = np.exp(np.negative(x, out=out), out=out)
    out += 1
    return np.divide(1, out, out=out)


def erf(x: np.ndarray) -> np.ndarray:
    """Return the error function.

    Parameters
    ----------
    x : float array
        The numbers.

    Returns
    -------
    array of the same dtype
    """
    wide = np.asarray(x, dtype=np.float64)
    size = np.minimum(np.abs(wide), 8.0)
    near = size <= 1
    square = np.where(near, size, 0.0) ** 2
    found = np.where(near, size * np.polyval(NEAR[0], square) / np.polyval(NEAR[1], square), 0.0)
    far = ~near
    if far.any():
        size = size[far]
        found[far] = 1 - np.exp(-size * size) * np.polyval(FAR[0], size) / np.polyval(FAR[1], size)
    return np.copysign(found, wide).astype(np.asarray(x).dtype, copy=False)
