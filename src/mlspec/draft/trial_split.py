"""What a split would come to, by the code that will split."""

from typing import Any

import numpy as np
import polars as pl

from mlspec.diagnostics import StepError
from mlspec.steps.data.split import assign

LEAST_TRAIN, LEAST_TEST, MOST_TEST = 0.4, 0.05, 0.5


def parts(rows: "pl.DataFrame", stated: dict[str, Any], target: str, *, classes: bool) -> tuple[str, tuple[int, ...]]:
    """Why the rows can't be split so, empty if they can; and how many rows are in each part."""
    column = stated["column"]
    kept = rows.filter(pl.col(target).is_not_null())
    keys = kept.select(list(dict.fromkeys((column, target))))
    params = {"test": 0.2, "validation": 0.1, "seed": 0, **stated, "target": [target, ""], "parts": {}}
    try:
        found = assign(keys, params, np.random.Generator(np.random.PCG64(0)))
    except StepError as error:
        return str(error), (0, 0, 0)
    counts = tuple(int((found == part).sum()) for part in range(3))
    total = max(1, sum(counts))
    if stated["by"] == "given":
        return ("" if counts[0] and counts[2] else "no training or no test rows"), counts
    shares = [count / total for count in counts]
    if not all(counts) or shares[0] < LEAST_TRAIN or not LEAST_TEST <= shares[2] <= MOST_TEST:
        text = ", ".join(
            f"{share:.0%} {name}" for share, name in zip(shares, ("train", "validation", "test"), strict=True)
        )
        return f"its values give {text}", counts
    if classes:
        trained = set(keys[target].filter(pl.Series(found == 0)).to_list())
        for part, name in ((1, "validation"), (2, "test")):
            new = set(keys[target].filter(pl.Series(found == part)).to_list()) - trained
            if new:
                return f"{len(new):,} classes of the {name} rows are in no training row", counts
        if len(set(keys[target].filter(pl.Series(found == 2)).to_list())) < 2:
            return "the test rows are of one class", counts
    return "", counts


def same_within(rows: "pl.DataFrame", thing: str) -> list[str]:
    """The columns that have one value in all rows of each value of a column."""
    most = rows.group_by(thing).agg(pl.exclude(thing).n_unique()).drop(thing).max()
    return [name for name in most.columns if most[name][0] == 1]


def recurs(rows: "pl.DataFrame", thing: str, moment: str) -> bool:
    """Whether most values of a column have rows at several moments."""
    moments = rows.group_by(thing).agg(pl.col(moment).n_unique().alias("moments"))["moments"]
    return float((moments > 1).sum()) > 0.5 * len(moments)
