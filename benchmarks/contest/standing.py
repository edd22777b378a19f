"""What a file of results says: scores, ranks, wins and normalised scores, with intervals over tables."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

BUSY = 0.2  # cores that others used, from which a measurement counts as disturbed
Result = Mapping[str, Any]


class MixedError(Exception):
    """The results are of more than one version of a contestant, or of a table."""


def usable(results: Sequence[Result], *, quiet_only: bool = False, newest: bool = False) -> list[Result]:
    """The last result of each table, contestant and seed.

    Raises MixedError where a contestant has several versions (with newest, only the last counts) or a table several
    contents, and for results of different numbers of cores.
    """
    rows = [r for r in results if not (quiet_only and r["others"] > BUSY)]
    versions: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["version"] not in versions[row["contestant"]]:
            versions[row["contestant"]].append(row["version"])
    if newest:
        rows = [r for r in rows if r["version"] == versions[r["contestant"]][-1]]
    else:
        for name, found in versions.items():
            if len(found) > 1:
                raise MixedError(f"{name} has results of several versions:\n  " + "\n  ".join(found))
    if len({r["cores"] for r in rows}) > 1:
        raise MixedError("the results are of different numbers of cores")
    for table, seed in {(r["table"], r["seed"]) for r in rows}:
        if len({r["data"] for r in rows if (r["table"], r["seed"]) == (table, seed)}) > 1:
            raise MixedError(f"the contestants had different rows of {table}")
    return list({(r["table"], r["contestant"], r["seed"]): r for r in rows}.values())


def report(results: Sequence[Result], contestants: Sequence[str], *, first: str | None = None) -> Iterator[str]:
    """Markdown lines: scores of each table that all contestants have, then their standing.

    With first, each other contestant is also compared with that one.
    """
    found = {(r["table"], r["seed"], r["contestant"]): r for r in results}
    cuts = sorted({(table, seed) for table, seed, _ in found})
    whole = [cut for cut in cuts if all((*cut, one) in found for one in contestants)]
    tables = sorted({table for table, _ in whole})
    if not tables:
        yield "no table has a result of every contestant: " + ", ".join(contestants)
        return
    yield f"{len(tables)} tables, {len(whole)} cuts" + (f"; {len(cuts) - len(whole)} left out" * (whole != cuts))
    yield ""
    yield row(["table", "rows", "metric", *contestants])
    yield row(["---"] * (3 + len(contestants)))
    scores = []  # lower is better; a failure is worse than all
    for table in tables:
        mine = [[found[(*cut, one)] for cut in whole if cut[0] == table] for one in contestants]
        means = [mean([r["score"] for r in each]) for each in mine]
        about, sign = mine[0][0], -1 if mine[0][0]["metric"] == "roc_auc" else 1
        scores.append([np.inf if one is None else sign * one for one in means])
        best = min(scores[-1])
        cells = [written(one, sign * (one or 0) == best) for one in means]
        yield row([table, f"{about['rows']:,}", about["metric"], *cells])
    yield ""
    yield from standing(np.array(scores), found, whole, contestants, first)


def standing(
    scores: Any, found: Mapping[tuple[str, int, str], Result], cuts: Any, contestants: Sequence[str], first: str | None
) -> Iterator[str]:
    ranks = rankdata(scores, axis=1)
    shares = normalised(scores)
    drawn = np.random.default_rng(0).integers(len(scores), size=(2000, len(scores)))
    other = contestants.index(first) if first in contestants else None
    heads = ["contestant", "mean rank", "wins", "normalised score", "wall s", "CPU s", "failed"]
    yield row(heads + ([f"{first}: better, worse", "by"] if other is not None else []))
    yield row(["---"] * (len(heads) + 2 * (other is not None)))
    for k in np.argsort(ranks.mean(axis=0), kind="stable"):
        mine = [found[(*cut, contestants[k])] for cut in cuts]
        cells = [
            contestants[k],
            interval(ranks[:, k], drawn),
            f"{int((np.isfinite(scores[:, k]) & (scores[:, k] == scores.min(axis=1))).sum())}",
            interval(shares[:, k], drawn),
            f"{np.mean([r['wall'] for r in mine]):.0f}",
            f"{np.mean([r['cpu'] for r in mine]):.0f}",
            f"{sum(r['score'] is None for r in mine)}",
        ]
        if other is not None:
            better, worse = (scores[:, other] < scores[:, k]).sum(), (scores[:, other] > scores[:, k]).sum()
            same = k == other
            cells += ["", ""] if same else [f"{better}, {worse}", interval(shares[:, other] - shares[:, k], drawn)]
        yield row(cells)


def normalised(scores: Any) -> Any:
    """For each table, 1 for the best and 0 for the worst contestant that did not fail; a failure is 0."""
    worst = np.where(np.isfinite(scores), scores, -np.inf).max(axis=1, keepdims=True)
    spread = worst - scores.min(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        shares = (worst - scores) / np.where(spread > 0, spread, 1)
    return np.where(np.isfinite(scores), np.where(spread > 0, shares, 1.0), 0.0)


def interval(values: Any, drawn: Any) -> str:
    """A mean over tables, with the 95 % percentile interval of the drawn samples of tables."""
    low, high = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
    return f"{values.mean():.2f} [{low:.2f}, {high:.2f}]"


def mean(values: Sequence[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return None if len(known) < len(values) else float(np.mean(known))


def written(value: float | None, best: bool) -> str:
    if value is None:
        return "failed"
    text = f"{value:,.1f}" if value >= 1000 else f"{value:.4g}"
    return f"**{text}**" if best else text


def row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
