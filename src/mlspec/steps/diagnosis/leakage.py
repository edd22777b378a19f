"""What ties the rows of one part to others: groups that are on both sides of a split, and features dated after the
moment at which a row's prediction would be made."""

from collections.abc import Sequence

import polars as pl

from mlspec.steps.data.violations import flow
from mlspec.steps.diagnosis import advice
from mlspec.steps.diagnosis.finding import Check

SHARE = 0.05
FEWEST_GROUPS = 30
LATER = 0.001


def groups(train: "pl.LazyFrame", other: "pl.LazyFrame", names: Sequence[str]) -> Check:
    """Whether values of columns that name things are in both; the column with the most such rows is reported."""
    found = []
    for name in names:
        known = train.select(pl.col(name).drop_nulls().unique()).collect(engine="streaming").to_series()
        shared = pl.col(name).is_in(known.implode()).fill_null(False)
        rows, count = other.select(shared.sum(), pl.len()).collect(engine="streaming").row(0)
        found.append((rows / max(count, 1), int(rows), len(known), name))
    share, rows, distinct, name = max(found)
    fails = share >= SHARE and rows >= 3 and distinct >= FEWEST_GROUPS
    return Check(
        check="groups",
        measured=f"{share:.1%} of the rows have a '{name}' that also occurs in training rows",
        expected=f"all rows of one '{name}' are in one part",
        fails=fails,
        advice=f"data.split: {{by: group, column: {flow(name)}}}, or {{by: hash, column: {flow(name)}}} if rows keep "
        f"coming; if new rows also have known '{name}', {advice.accept('groups')}",
        leak=f"rows of one '{name}' are in several parts" if fails else "",
    )


def future(train: "pl.LazyFrame", other: "pl.LazyFrame", names: Sequence[str], moment: str, spec: advice.Spec) -> Check:
    """Whether a feature's dates are after the row's moment; days are compared where one of both has no time of day."""
    later = []
    kinds = train.collect_schema()
    for name in names:
        by_day = pl.Date in (kinds[name], kinds[moment])
        cells = [pl.col(one).dt.date() if by_day and kinds[one] != pl.Date else pl.col(one) for one in (name, moment)]
        later.append((cells[0] > cells[1]).sum().alias(name))
    counts = [rows.select(*later, pl.len().alias("")).collect(engine="streaming").row(0) for rows in (train, other)]
    every = max(1, counts[0][-1] + counts[1][-1])
    shares = [(one + two) / every for one, two in zip(counts[0][:-1], counts[1][:-1], strict=True)]
    worst = max(range(len(names)), key=lambda index: shares[index])
    name, share = names[worst], shares[worst]
    return Check(
        check="future",
        measured=f"'{name}' is after '{moment}' in {share:.1%} of the rows",
        expected=f"what is known at '{moment}' is not after it",
        fails=share > LATER,
        advice=f"if '{name}' is not known at '{moment}', {advice.without(spec, [name])}; if it is (a planned date), "
        f"{advice.accept('future')}",
        leak=f"'{name}' is after '{moment}'" if share > LATER else "",
    )
