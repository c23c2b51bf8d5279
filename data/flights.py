"""Flights from New York as a problem of many-valued fields: does a flight arrive more than 15 minutes late?

Eight ids describe a flight, all known months before it leaves but the tail number. Late is a matter of how they meet
(a day of storms at an airport, an hour of a carrier), so a net that looks at pairs of them sees more. Rows are split
at random or by time.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.load import load_table
from data.movielens_splits import ClickProblem, check_split

__all__ = ["LATE", "flights_late"]

LATE = 15
"""Flights with a longer delay, in minutes, are positive: 23.7 % of all."""

FIELDS = ("day", "weekday", "hour", "carrier", "flight", "tailnum", "origin", "dest")


def flights_late(seed: int = 0, *, split: str = "random", n_rows: int | None = None) -> ClickProblem:
    """80 % training, 10 % validation, 10 % test rows.

    Parameters
    ----------
    seed : int
        Divides training and validation rows of the random split. Its test rows are the same for every seed, so that
        what is chosen with one seed has seen no other seed's test rows. The chronological split has no chance in it
        but the order of flights of the same minute.
    split : {"random", "chronological"}
        In the chronological split no day of a part occurs in another, but for the two days that are cut: a net has to
        do without that field (days count as missing), and with carriers, routes and hours alone.
    n_rows : int, optional
        Take so many flights only: a random choice, the same for each seed.

    Returns
    -------
    ClickProblem
        Columns: `day` of the year (1 to 365), `weekday` (0 is Monday), `hour` of the planned departure, `flight`:
        int64, nominal by `schema`; `carrier`, `tailnum`, `origin`, `dest`: str.
    """
    check_split(seed, split)
    table = load_table("flights")
    # Sorting uniform draws, since numpy promises more for them than for `permutation`.
    order = np.argsort(np.random.default_rng([0, 2013]).random(len(table)), kind="stable")[:n_rows]
    n_train, n_rest = int(0.8 * len(order)), int(0.9 * len(order))
    if split == "random":
        rest = order[:n_rest][np.argsort(np.random.default_rng([seed, 2014]).random(n_rest), kind="stable")]
        order = np.concatenate([rest, order[n_rest:]])
    else:
        draws = np.random.default_rng([seed, 2014]).random(len(order))
        clock = [table[unit].to_numpy()[order] for unit in ("minute", "hour", "day", "month")]
        order = order[np.lexsort([draws, *clock])]
    table = table.iloc[order]
    date = pd.to_datetime({"year": 2013, "month": table["month"], "day": table["day"]})
    X = pd.DataFrame(
        {
            "day": date.dt.dayofyear.astype(np.int64),
            "weekday": date.dt.dayofweek.astype(np.int64),
            "hour": table["hour"],
            **{name: table[name].astype(str) for name in ("carrier", "tailnum", "origin", "dest")},
            "flight": table["flight"].astype(str).astype(np.int64),
        }
    )[list(FIELDS)].reset_index(drop=True)
    y = (table["target"].to_numpy() > LATE).astype(np.int64)
    parts = [slice(0, n_train), slice(n_train, n_rest), slice(n_rest, None)]
    rows = [block for part in parts for block in (X.iloc[part], y[part])]
    schema = dict.fromkeys(("day", "weekday", "hour", "flight"), "nominal")
    return ClickProblem(*rows, schema=schema, multi_valued=())
