"""How requests are answered: how slow the slowest are, and how many fail."""

import numpy as np
import polars as pl

from mlspec.metrics._intervals import proportion
from mlspec.monitoring.findings import Finding
from mlspec.plugins.verdict import decide, seconds
from mlspec.spec.operation.monitor import ServiceBounds

SLOWEST = 0.01  # share of requests beyond the 99th percentile


def judged(bounds: ServiceBounds, requests: "pl.DataFrame", rate: float) -> list[Finding]:
    """Every bound on service, over requests with ``status`` and ``milliseconds``; ``rate`` as for drift."""
    tail = rate / max(sum(bound is not None for bound in (bounds.p99, bounds.errors)), 1)
    found = []
    if bounds.p99 is not None:
        found.append(_slow(requests, bounds.p99, tail))
    if bounds.errors is not None:
        failed, n = int((requests["status"] == "failed").sum()), requests.height
        low, high = proportion(failed, n, 1 - 2 * tail)
        most = bounds.errors.at_most
        found.append(
            Finding(
                monitor="service.errors",
                subject="failed requests",
                verdict=decide(low, high, most, at_least=False) if n else "unknown",
                value=failed / n if n else None,
                low=low if n else None,
                high=high if n else None,
                n=n,
                threshold=most,
                reason=f"{failed:,} of {n:,} requests failed, interval {low:.3g} to {high:.3g}" if n else NOTHING,
            )
        )
    return found


NOTHING = "there are no requests"


def _slow(requests: "pl.DataFrame", most: float, tail: float) -> Finding:
    """The 99th percentile is above the bound where more than one in a hundred requests is slower: judged by the exact
    interval of that share, which asks nothing of how times are distributed."""
    from scipy.stats import binom

    times = np.sort(requests["milliseconds"].drop_nulls().to_numpy()) / 1e3
    n = len(times)
    if not n:
        return Finding(
            monitor="service.p99", subject="p99", verdict="unknown", threshold=most, unit="s", reason=NOTHING
        )
    slow = int((times > most).sum())
    low, high = proportion(slow, n, 1 - 2 * tail)
    ranks = [int(binom.ppf(share, n, 1 - SLOWEST)) for share in (tail, 1 - tail)]
    ends = [float(times[rank - 1]) if 0 < rank <= n else None for rank in (ranks[0], ranks[1] + 1)]
    value = float(times[min(n, int(np.ceil((1 - SLOWEST) * n))) - 1])
    said = " to ".join("unbounded" if end is None else seconds(end) for end in ends)
    return Finding(
        monitor="service.p99",
        subject="p99",
        verdict=decide(low, high, SLOWEST, at_least=False),
        value=value,
        low=ends[0],
        high=ends[1],
        n=n,
        threshold=most,
        unit="s",
        reason=f"{seconds(value)}, interval {said} over {n:,} requests; {slow / n:.2%} are slower than {seconds(most)}",
    )
