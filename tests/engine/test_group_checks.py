"""What rows say of groups of people: planted, and not there."""

import numpy as np
import polars as pl
import pytest

from mlspec.steps.diagnosis.finding import Check
from mlspec.steps.diagnosis.groups import examine

FEATURES = ["height", "job", "city"]


def rows(n: int = 4_000) -> pl.DataFrame:
    """Groups of 60 to 40 that nothing tells apart."""
    random = np.random.default_rng(3)
    return pl.DataFrame(
        {
            "sex": random.choice(["a", "b"], n, p=[0.6, 0.4]),
            "height": random.normal(size=n),
            "job": random.choice(["x", "y", "z"], n),
            "city": random.choice([f"c{k}" for k in range(40)], n),
            "gets": random.choice(["yes", "no"], n),
        }
    )


def found(frame: pl.DataFrame, positive: str | None = "yes") -> dict[str, Check]:
    missing = frame.select(pl.col(FEATURES).is_null())
    checks = examine(frame, missing, lambda places: frame[places].select(FEATURES), "sex", "gets", positive)
    return {check.check: check for check in checks}


def test_nothing_is_found_where_groups_are_alike() -> None:
    assert not [check for check in found(rows()).values() if check.fails]


def test_few_rows_of_a_group() -> None:
    frame = pl.concat([rows(), rows(60).with_columns(sex=pl.lit("c"))])
    check = found(frame)["representation"]
    assert check.fails
    assert check.measured == "by 'sex', 'c' has 60 of 4,060 training rows (1.5%)"


def test_rates_of_the_target_are_shown_and_not_judged() -> None:
    frame = rows().with_columns(gets=pl.when(pl.col("sex") == "a").then(pl.lit("yes")).otherwise("gets"))
    check = found(frame)["target by group"]
    assert not check.fails
    assert check.measured.startswith("'gets' is 'yes' in 5")
    assert check.measured.endswith("for 'b', 100.0% for 'a'")
    numbers = rows().with_columns(gets=pl.when(pl.col("sex") == "a").then(2.5).otherwise(1.0))
    assert found(numbers, None)["target by group"].measured == "the mean of 'gets' is 1 for 'b', 2.5 for 'a'"


def test_missing_in_one_group_more_than_in_another() -> None:
    gaps = pl.when((pl.col("sex") == "b") & (pl.int_range(pl.len()) % 5 == 0)).then(None).otherwise("job").alias("job")
    check = found(rows().with_columns(gaps))["missing by group"]
    assert check.fails
    assert check.measured == "'job' is missing 19.4% more often in one group than in another"


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_a_feature_that_gives_the_group_away(share: float) -> None:
    told = pl.when(pl.int_range(pl.len()) % 10 < share * 10).then(pl.lit("x")).otherwise("sex").alias("job")
    check = found(rows().with_columns(told))["proxy"]
    assert check.fails
    assert check.measured.startswith("'job' alone explains ")
    assert "almost uses 'sex'" in check.advice


def test_groups_that_can_not_be_compared() -> None:
    (check,) = found(rows().with_columns(sex=pl.lit("a"))).values()
    assert check.measured == "1 groups"
    assert not check.fails
