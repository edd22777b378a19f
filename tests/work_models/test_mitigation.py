"""Mitigation against what others compute: fairlearn's reductions and post-processing, and every choice tried."""

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec.models.logistic_regression import LogisticRegression
from mlspec.plugins.model import Features, Training
from mlspec.steps.data import preparation
from mlspec.steps.serving import package
from mlspec.steps.trust.mitigation import groups as grouping
from mlspec.steps.trust.mitigation import reduction, thresholds

EVEN = {"false_positive": 1.0, "false_negative": 1.0}
Data = tuple[np.ndarray, np.ndarray, np.ndarray]


def people(n: int, seed: int) -> Data:
    """Features (n, 3), classes, groups: one group has more positives, and a feature tells of it."""
    random = np.random.default_rng(seed)
    groups = random.choice(["a", "b"], n, p=[0.6, 0.4])
    skill = random.normal(0, 1, n)
    truth = (skill + 0.9 * (groups == "a") + random.normal(0, 0.8, n) > 0.7).astype(np.int64)
    told = (groups == "a") + random.normal(0, 0.2, n)
    return np.stack([skill, told, random.normal(0, 1, n)], axis=1), truth, groups


def training(data: Data, held: Data, scratch: Path) -> Training:
    def features(values: np.ndarray) -> Features:
        return Features(values.astype(np.float32), np.empty((len(values), 0), np.int32), ("x", "y", "z"), (), ())

    return Training(
        features=features(data[0]),
        target=data[1],
        validation=features(held[0]),
        validation_target=held[1],
        task="binary_classification",
        classes=2,
        seed=0,
        device="cpu",
        threads=1,
        checkpoints=scratch,
        progress=lambda _what, _share, _figures: None,
    )


@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 1), st.floats(0.1, 10)), min_size=4, max_size=60
    ).filter(lambda rows: {(g, y) for g, y, _ in rows} >= set(itertools.product({g for g, _, _ in rows}, (0, 1))))
)
@settings(max_examples=60, deadline=None)
def test_reweighed_rows_know_nothing_of_the_group(rows: list[tuple[str, int, float]]) -> None:
    marks, truth, weights = (np.asarray(column) for column in zip(*rows, strict=True))
    found = grouping.factors(marks, truth, weights)
    after = weights * np.asarray([found[group][code] for group, code in zip(marks, truth, strict=True)])
    assert after.sum() == pytest.approx(weights.sum())
    share = after[truth == 1].sum() / after.sum()
    for name in np.unique(marks):
        mine = marks == name
        assert after[mine & (truth == 1)].sum() / after[mine].sum() == pytest.approx(share)
        assert after[mine].sum() == pytest.approx(weights[mine].sum())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("metric", "moment"),
    [
        ("demographic_parity_difference", "DemographicParity"),
        ("equal_opportunity_difference", "TruePositiveRateParity"),
        ("equalized_odds_difference", "EqualizedOdds"),
    ],
)
def test_the_weights_of_a_priced_fit_are_fairlearns(metric: str, moment: str) -> None:
    library = pytest.importorskip("fairlearn.reductions")
    pandas = pytest.importorskip("pandas")
    values, truth, groups = people(500, 1)
    bound, error = getattr(library, moment)(), library.ErrorRate()
    for one in (bound, error):
        one.load_data(pandas.DataFrame(values), pandas.Series(truth), sensitive_features=pandas.Series(groups))
    rows = reduction.Rows(truth, groups, np.ones(len(truth)))
    rates = reduction.bounded(rows, metric, 2)
    prices = dict(zip(rates, (0.4, -0.7, 0.2, 0.9), strict=False))
    events = {None: "all", 1: "label=1", 0: "label=0"}
    theirs = pandas.Series(0.0, index=bound.index)
    for name, rate in rates.items():
        theirs["+" if prices[name] > 0 else "-", events[rate.label], rate.group] = abs(prices[name])
    expected = (error.signed_weights() + bound.signed_weights(theirs)).to_numpy()
    target, weights = reduction.priced(rows, rates, prices)
    np.testing.assert_allclose((2 * target - 1) * weights, expected, atol=1e-9)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("metric", ["demographic_parity_difference", "equalized_odds_difference"])
def test_a_constrained_model_is_as_good_as_fairlearns(metric: str, tmp_path: Path) -> None:
    library = pytest.importorskip("fairlearn.reductions")
    from sklearn.linear_model import LogisticRegression as Plain

    data, bound = people(4000, 2), 0.06
    asked = {"metric": metric, "at_most": bound, "minimum_rows": 30, "rounds": 15}
    model, given_rows = LogisticRegression(), training(data, data, tmp_path)
    history = reduction.fit(model, given_rows, data[2], data[2], asked, tmp_path / "rounds", tmp_path / "m")
    told = history["mitigation"]
    assert told["kept"]
    assert told["rounds"][0]["difference"] > 0.1  # no price yet: the model without mitigation
    called = model.load(tmp_path / "m", "cpu").predict(given_rows.features).argmax(axis=1)
    rows = reduction.Rows(data[1], data[2], np.ones(len(called)))
    reached = reduction.difference(rows, called, metric, 30)
    assert reached == told["rounds"][told["chosen"]]["difference"]
    assert reached is not None
    assert reached <= bound
    moment = library.DemographicParity if metric.startswith("demo") else library.EqualizedOdds
    peer = library.ExponentiatedGradient(Plain(), moment(difference_bound=bound / 2), eps=bound / 2, max_iter=15)
    peer.fit(data[0], data[1], sensitive_features=data[2])
    theirs = float((peer._pmf_predict(data[0])[np.arange(len(called)), 1 - data[1]]).mean())
    assert float((called != data[1]).mean()) <= theirs + 0.01


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "metric", ["demographic_parity_difference", "equal_opportunity_difference", "equalized_odds_difference"]
)
def test_no_thresholds_that_keep_the_bound_are_cheaper(metric: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    groups = np.repeat(["a", "b"], [14, 18])
    truth = random.integers(0, 2, 32)
    score = np.round(np.clip(0.25 * truth + 0.2 * (groups == "a") + random.uniform(0, 0.6, 32), 0, 1), 2)
    costs = {"false_positive": 1.0, "false_negative": 2.0}

    def outcome(called: np.ndarray) -> tuple[float, float]:
        rows = reduction.Rows(truth, groups, np.ones(32))
        cost = (called & (truth == 0)).sum() + 2.0 * (~called & (truth == 1)).sum()
        return reduction.difference(rows, called.astype(int), metric, 2) or 0.0, float(cost)

    found = thresholds.search(
        truth, score, groups, metric=metric, at_most=0.2, mistakes=costs, minimum_rows=2, common=0.5
    )
    difference, cost = outcome(score >= thresholds.per_row(groups, found, 0.5))
    every = [np.concatenate([np.unique(score[groups == name]), [1.1]]) for name in ("a", "b")]
    tried = [outcome(score >= np.where(groups == "a", one, other)) for one, other in itertools.product(*every)]
    assert difference <= 0.2 + 1e-9
    assert cost == min(price for apart, price in tried if apart <= 0.2 + 1e-9)


@pytest.mark.filterwarnings("ignore")
def test_thresholds_lose_little_to_fairlearns_which_draw_lots() -> None:
    library = pytest.importorskip("fairlearn.postprocessing")
    from sklearn.linear_model import LogisticRegression as Plain

    values, truth, groups = people(3000, 3)
    model = Plain().fit(values, truth)
    score = model.predict_proba(values)[:, 1]
    for metric, name in (
        ("demographic_parity_difference", "demographic_parity"),
        ("equalized_odds_difference", "equalized_odds"),
    ):
        peer = library.ThresholdOptimizer(
            estimator=model, constraints=name, prefit=True, predict_method="predict_proba"
        ).fit(values, truth, sensitive_features=groups)
        chance = peer._pmf_predict(values, sensitive_features=groups)
        theirs = float(chance[np.arange(len(truth)), 1 - truth].mean())
        found = thresholds.search(
            truth, score, groups, metric=metric, at_most=0.02, mistakes=EVEN, minimum_rows=30, common=0.5
        )
        called = score >= thresholds.per_row(groups, found, 0.5)
        assert float((called != (truth == 1)).mean()) <= theirs + 0.01


def test_a_group_with_few_rows_keeps_the_common_threshold() -> None:
    values, truth, groups = people(800, 4)
    groups = groups.astype("U5")
    groups[:12] = "few"
    found = thresholds.search(
        truth,
        values[:, 0] / 10 + 0.5,
        groups,
        metric="demographic_parity_difference",
        at_most=0.05,
        mistakes=EVEN,
        minimum_rows=30,
        common=0.55,
    )
    assert sorted(found) == ["a", "b"]
    assert thresholds.per_row(np.asarray(["few", "new"]), found, 0.55).tolist() == [0.55, 0.55]


def test_weights_that_a_spec_states_are_reweighed_and_leave_no_trace_in_a_package() -> None:
    values, truth, groups = people(600, 5)
    stated = np.random.default_rng(5).uniform(0.5, 2, 600)
    rows = pl.DataFrame({"x": values[:, 0], "y": np.where(truth == 1, "yes", "no"), "who": groups, "w": stated})
    params = {
        "columns": [{"name": "x", "type": "number", "steps": []}],
        "target": ["y", "category"],
        "task": "binary_classification",
        "positive": "yes",
        "weight": "w",
        "group": ["who"],
        "reweigh": True,
    }
    state = preparation.fit(rows.lazy(), params)
    prepared = preparation.apply(rows.lazy(), state).collect()
    weights = preparation.weights(prepared, state)
    assert weights is not None
    factors = grouping.factors(groups, truth, stated)
    expected = [w * factors[g][y] for w, g, y in zip(stated, groups, truth, strict=True)]
    np.testing.assert_allclose(weights, expected)
    # Rows to be predicted have no target, and need say nothing of their group.
    assert preparation.projections(state)
    assert not {"group", "reweigh"} & package.without_fitted(state).keys()
