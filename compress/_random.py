"""Drawing seeds from one generator and handing them down; nothing here touches a global stream."""

from __future__ import annotations

__all__ = ["draw_seed", "seed_unset"]

LARGEST_SEED = 2**31 - 1  # every library takes a seed up to here


def draw_seed(rng) -> int:
    """Return a seed for something that needs a generator of its own.

    Parameters
    ----------
    rng : numpy RandomState
        The generator of the caller; it advances by one draw.

    Returns
    -------
    int
        A seed between 0 and 2**31 - 2.
    """
    return int(rng.randint(LARGEST_SEED))


def seed_unset(estimator, rng) -> None:
    """Give each `random_state` of an estimator that is None, nested ones too, a seed drawn from `rng`.

    Parameters
    ----------
    estimator : object with `get_params` and `set_params`
        The estimator whose seeds are set; it is changed in place.
    rng : numpy RandomState
        The generator of the caller; it advances by one draw for each seed.
    """
    parameters = estimator.get_params(deep=True)
    keys = [key for key in sorted(parameters) if key == "random_state" or key.endswith("__random_state")]
    drawn = {key: draw_seed(rng) for key in keys if parameters[key] is None}
    if drawn:
        estimator.set_params(**drawn)
