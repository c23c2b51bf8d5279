"""What the fuzzers share: how many inputs they try, and how each is counted.

`make test` tries a few thousand inputs, the same each time. `make fuzz` tries more, new ones each time: FUZZ is the
number of inputs for each test.
"""

import os
from contextlib import contextmanager

from hypothesis import HealthCheck, settings

MANY = os.environ.get("FUZZ")
COUNTS = {"inputs": 0, "refused": 0}


def _of(n_inputs: int):
    return settings(
        max_examples=n_inputs,
        derandomize=not MANY,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


fuzz = _of(int(MANY or 90))
slow_fuzz = _of(int(MANY or 90) // 3)  # for tests whose inputs take longer


@contextmanager
def tried(*documented):
    """Count an input; the documented errors pass, and no others."""
    COUNTS["inputs"] += 1
    try:
        yield
    except documented as error:
        COUNTS["refused"] += 1
        assert str(error), f"{type(error).__name__} without a message"
        assert len(str(error)) < 5000, "a message that nobody reads"
