"""What long work says of itself: progress bars on a terminal, plain lines through `logging` everywhere else.

Lines go to the logger `compress`. Where nobody has set logging up for messages of level INFO they are written to
stderr, since who passes `verbose=1` wants to see them: under nohup, in a pipe, in a notebook.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator

from tqdm import tqdm

__all__ = ["Progress", "duration", "progress", "say"]

logger = logging.getLogger("compress")

SECONDS_BETWEEN_LINES = 30


def say(message: str, verbose: int, level: int = 1) -> None:
    """Write one line, if it is wanted.

    Parameters
    ----------
    message : str
        The line.
    verbose : int
        How much the user wants to read.
    level : int, default=1
        The smallest `verbose` that the line is meant for.

    Examples
    --------
    >>> from compress.evaluation import say
    >>> say("labelling 400,000 rows", verbose=0)  # says nothing
    """
    if verbose < level:
        return
    if logger.hasHandlers() and logger.isEnabledFor(logging.INFO):
        logger.info("%s", message)
    else:
        print(message, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """A time for people: "0.4 s", "12 s", "3 min", "2.5 h".

    Parameters
    ----------
    seconds : float
        The time.

    Examples
    --------
    >>> from compress.evaluation import duration
    >>> duration(3725)
    '62 min'
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Progress:
    """The progress of one piece of work, as a bar or as lines; used as a context.

    Parameters
    ----------
    total : int
        The number of units of the whole work.
    description : str
        What the work is called.
    unit : str
        What is counted, in the singular.
    verbose : int
        0 is silent; 1 shows a bar on a terminal, and elsewhere a line every half minute.
    leave : bool, default=True
        Whether the bar stays when the work is done.

    Examples
    --------
    >>> from compress.evaluation import Progress
    >>> with Progress(3, "labelling", "block", verbose=0) as bar:
    ...     for _ in range(3):
    ...         bar.update()
    ...
    """

    def __init__(self, total: int, description: str, unit: str, verbose: int, *, leave: bool = True):
        self.total, self.description, self.unit, self.verbose = total, description, unit, verbose
        self.done, self._started = 0, time.monotonic()
        self._said = self._started
        on_terminal = bool(verbose) and getattr(sys.stderr, "isatty", lambda: False)()
        self._bar = tqdm(total=total, desc=description, unit=unit, disable=not on_terminal, leave=leave)

    def update(self, n: int = 1, **facts: str) -> None:
        """Count some units more, and show where the work stands.

        Parameters
        ----------
        n : int, default=1
            The number of units that were done.
        **facts : str
            What is shown beside the count, such as `loss="0.31"`.
        """
        self.done += n
        if not self._bar.disable:
            self._bar.update(n)
            if facts:
                self._bar.set_postfix(facts, refresh=False)
            return
        now = time.monotonic()
        if self.verbose and now - self._said >= SECONDS_BETWEEN_LINES and self.done < self.total:
            self._said = now
            left = (now - self._started) / self.done * (self.total - self.done)
            known = "".join(f", {name} {value}" for name, value in facts.items())
            say(
                f"{self.description}: {self.done:,} of {self.total:,} {self.unit}s{known}, about {duration(left)} left",
                self.verbose,
            )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error) -> None:
        self._bar.close()


def progress(items: Iterable, total: int, description: str, unit: str, verbose: int) -> Iterator:
    """The items, with their progress shown.

    Parameters
    ----------
    items : iterable
        What is worked on, one item after the other.
    total : int
        The number of items.
    description, unit, verbose
        As in `Progress`.

    Yields
    ------
    object
        An item.

    Examples
    --------
    >>> from compress.evaluation import progress
    >>> list(progress("abc", 3, "labelling", "block", verbose=0))
    ['a', 'b', 'c']
    """
    with Progress(total, description, unit, verbose) as shown:
        for item in items:
            yield item
            shown.update()
