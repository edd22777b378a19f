"""Checks of what rows say of groups of people: how many there are, how they differ, and what gives them away."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from mlspec.steps.data.violations import flow
from mlspec.steps.diagnosis.data import alone, explained
from mlspec.steps.diagnosis.finding import Check
from mlspec.steps.diagnosis.matrix import matrix

Array = np.ndarray[Any, Any]

FEWEST_ROWS = 100
MOST_GROUPS = 30
GAP = 0.05  # of missing values, between two groups
GIVES_AWAY = 0.4  # the share of a group's uncertainty that one feature takes away
ROWS = 4_000
GROUP = "__group__"


def examine(
    rows: "pl.DataFrame",
    missing: "pl.DataFrame",
    values: "Callable[[Array], pl.DataFrame]",
    group: str,
    target: str,
    positive: str | None,
) -> list[Check]:
    """All checks of training rows by one column that says which group a person belongs to.

    ``rows`` have that column and the target, ``missing`` says of the same rows which features they lack, and ``values``
    gives the features of those at some places: the features of all rows are never in memory.
    ``positive`` is the target's value whose rate is compared; None where the target is a number, whose mean is.
    """
    features = missing.columns
    of = rows[group].cast(pl.String)
    places = np.flatnonzero(of.is_not_null().to_numpy())
    known = rows[places].with_columns(of.gather(places))
    counts = known.group_by(group).len().sort("len", group)
    if not 2 <= counts.height <= MOST_GROUPS:
        text = f"{counts.height} groups"
        return [Check(check="representation", measured=text, expected=f"2 to {MOST_GROUPS} groups to compare")]
    return [
        _representation(counts, group, rows.height),
        _targets(known, counts, group, target, positive),
        _missing(missing[places].with_columns(known[group].alias(GROUP))),
        *_proxies(known[group], places, features, values),
    ]


def _representation(counts: "pl.DataFrame", group: str, rows: int) -> Check:
    name, least = counts.row(0)
    return Check(
        check="representation",
        measured=f"by '{group}', '{name}' has {least:,} of {rows:,} training rows ({least / rows:.1%})",
        expected=f"at least {FEWEST_ROWS} rows of every group",
        fails=least < FEWEST_ROWS,
        advice="results for so few rows may be chance: collect more, or state that the model is not for this group",
    )


def _targets(known: "pl.DataFrame", counts: "pl.DataFrame", group: str, target: str, positive: str | None) -> Check:
    """The rate of the positive class, or the mean of a number, in the groups furthest apart that are large enough."""
    large = counts.filter(pl.col("len") >= FEWEST_ROWS)[group]
    outcome = pl.col(target).cast(pl.Float64) if positive is None else (pl.col(target).cast(pl.String) == positive)
    means = (
        known.filter(pl.col(group).is_in(large.implode()))
        .group_by(group)
        .agg(outcome.mean().alias("value"))
        .drop_nulls()
        .sort("value", group)
    )
    if means.height < 2:
        return Check(check="target by group", measured="too few rows", expected="shown, not judged")
    (low, least), (high, most) = means.row(0), means.row(-1)
    what = f"'{target}' is '{positive}' in" if positive is not None else f"the mean of '{target}' is"
    shown = ("{:.1%}" if positive is not None else "{:.4g}").format
    return Check(
        check="target by group",
        measured=f"{what} {shown(least)} for '{low}', {shown(most)} for '{high}'",
        expected="shown, not judged: a model learns such differences",
    )


def _missing(known: "pl.DataFrame") -> Check:
    features = known.columns[:-1]
    shares = known.group_by(GROUP).agg(pl.col(features).mean(), pl.len().alias("__rows__"))
    shares = shares.filter(pl.col("__rows__") >= FEWEST_ROWS)
    worst, gap = "", 0.0
    for name in features if shares.height > 1 else ():
        column = shares[name]
        apart = float(column.max()) - float(column.min())  # type: ignore[arg-type]
        if apart > gap:
            worst, gap = name, apart
    text = f"'{worst}' is missing {gap:.1%} more often in one group than in another" if worst else "no difference"
    return Check(
        check="missing by group",
        measured=text,
        expected=f"a difference of less than {GAP:.0%}",
        fails=gap > GAP,
        advice=f"imputed values of '{worst}' represent the rows that have it: check why it is missing",
    )


def _proxies(
    group: "pl.Series", places: "Array", features: list[str], values: "Callable[[Array], pl.DataFrame]"
) -> list[Check]:
    """Which single feature predicts the group best, on rows that it was not trained on."""
    if not features or len(group) < 2 * FEWEST_ROWS:
        return []
    random = np.random.Generator(np.random.PCG64(2))
    drawn = random.permutation(len(group))[: 2 * ROWS]
    rising = np.sort(drawn)
    chosen = values(places[rising])[np.searchsorted(rising, drawn)]
    half = chosen.height // 2
    train, other = matrix(chosen[:half], chosen[half:])
    codes = np.unique(group.gather(drawn).to_numpy().astype(str), return_inverse=True)[1]
    classes = int(codes.max()) + 1
    text = alone(train, other, codes[:half], codes[half:], classes)
    best = int(np.argmax(text))
    together = explained(train, other, codes[:half], codes[half:], classes)
    return [
        Check(
            check="proxy",
            measured=f"'{features[best]}' alone explains {max(text[best], 0.0):.0%} of '{group.name}', all features "
            f"together {max(together, 0.0):.0%}",
            expected=f"no feature explains more than {GIVES_AWAY:.0%} of a column that no model may use",
            fails=text[best] > GIVES_AWAY,
            advice=f"a model that uses '{features[best]}' almost uses '{group.name}': data.columns.drop: "
            f"{flow([features[best]])}, or compare the groups: constraints.fairness",
        )
    ]
