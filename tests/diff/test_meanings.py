"""What a change of a key is called where that depends on what it was and becomes: nothing exposed is called less."""

from typing import Any

import pytest
import yaml

from mlspec.diff import compare
from mlspec.diff.merge import meant

KIND = "data.personal.job.kind"
BASE: dict[str, Any] = {
    "mlspec": 1,
    "project": {"name": "people", "task": "binary_classification"},
    "data": {
        "sources": {"people": {"path": "people.csv"}},
        "columns": {"target": "income", "id": "number", "sensitive": ["sex", "race"]},
    },
    "model": {"candidates": {"linear": {"type": "logistic_regression"}}},
}
MLFLOW = {"mlflow": {"tracking_uri": "https://mlflow.example.org"}}


def said(base: dict[str, Any], head: dict[str, Any]) -> list[str]:
    """The classes and paths of what changes between two specs, each the base with some keys set."""
    texts = []
    for changed in (base, head):
        spec: dict[str, Any] = yaml.safe_load(yaml.safe_dump(BASE))
        for path, value in changed.items():
            *folders, last = path.split(".")
            place = spec
            for name in folders:
                place = place.setdefault(name, {})
            if value is None:
                place.pop(last, None)
            else:
                place[last] = value
        texts.append(yaml.safe_dump(spec))
    one, other = (meant(text, name) for text, name in zip(texts, "ab", strict=True))
    return [f"{change.class_} {change.path}" for change in compare.changes(one, other)]


def personal(level: str, key: str | None) -> dict[str, Any]:
    return {"model.personalization": {"level": level, **({"key": key} if key else {})}}


def mitigated(method: str, *group: str) -> dict[str, Any]:
    more = {} if method == "reweighing" else {"metric": "demographic_parity_difference", "at_most": 0.1}
    return {"model.mitigation": {"method": method, "group": list(group), **more}}


KEY = "ed25519:1t5VAmAmf+Bl2p3DTYdeRvW3MaX98q2hBuFvDyYlVGw="


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        ({}, personal("user", "number"), ["exposure model.personalization"]),
        ({}, personal("user", "job"), ["exposure model.personalization"]),
        ({}, personal("group", "number"), ["exposure model.personalization"]),
        ({}, personal("group", "sex"), ["exposure model.personalization"]),
        ({}, personal("group", "race"), ["exposure model.personalization"]),
        ({}, personal("group", "job"), ["contract model.personalization"]),
        ({}, personal("global", None), ["contract model.personalization"]),
        ({}, personal("global", "sex"), ["contract model.personalization"]),
        (personal("user", "number"), {}, ["contract model.personalization"]),
        (personal("group", "job"), personal("group", "sex"), ["exposure model.personalization.key"]),
        (personal("group", "sex"), personal("group", "job"), ["contract model.personalization.key"]),
        (personal("group", "job"), personal("user", "job"), ["exposure model.personalization.level"]),
        (personal("user", "job"), personal("group", "job"), ["contract model.personalization.level"]),
        (personal("group", "sex"), personal("global", "sex"), ["contract model.personalization.level"]),
        ({}, mitigated("reweighing", "sex"), ["tightened model.mitigation"]),
        ({}, mitigated("thresholds", "sex"), ["exposure model.mitigation"]),
        (mitigated("thresholds", "sex"), {}, ["removed model.mitigation"]),
        (mitigated("reweighing", "sex"), {}, ["removed model.mitigation"]),
        (mitigated("thresholds", "sex"), mitigated("thresholds", "sex", "race"), ["exposure model.mitigation.group"]),
        (mitigated("thresholds", "sex", "race"), mitigated("thresholds", "sex"), ["contract model.mitigation.group"]),
        (mitigated("constrained", "sex"), mitigated("thresholds", "sex"), ["exposure model.mitigation.method"]),
        (mitigated("thresholds", "sex"), mitigated("constrained", "sex"), ["contract model.mitigation.method"]),
        (mitigated("constrained", "sex", "race"), mitigated("constrained", "sex"), ["loosened model.mitigation.group"]),
        (mitigated("constrained", "sex"), mitigated("constrained", "sex", "race"), ["result model.mitigation.group"]),
        ({}, {"report": MLFLOW}, ["exposure report.mlflow"]),
        *(
            ({"data.personal": {"job": {"kind": old}}}, {"data.personal": {"job": {"kind": new}}}, [f"{name} {KIND}"])
            for old, new, name in (
                ("public", "sensitive", "tightened"), ("sensitive", "public", "exposure"),
                ("quasi_identifier", "sensitive", "exposure"), ("sensitive", "quasi_identifier", "tightened"),
                ("direct_identifier", "quasi_identifier", "exposure"), ("public", "direct_identifier", "tightened"),
            )
        ),
        *(
            ({"model.checks": old}, {"model.checks": new}, [f"{name} model.checks"])
            for old, new, name in (
                ("off", "warn", "tightened"), ("warn", "stop", "tightened"), ("stop", "warn", "loosened"),
                ("stop", "off", "loosened"), ("warn", {"leak": "stop"}, "tightened"),
                ({"leak": "stop"}, {"leak": "stop", "drift": "stop"}, "tightened"),
                ("stop", {"leak": "stop"}, "loosened"),
                ({"leak": "stop"}, {"drift": "stop"}, "loosened"), ({"leak": "stop"}, "off", "loosened"),
            )
        ),
        ({"report": MLFLOW}, {}, ["prose report.mlflow"]),
        ({}, {"storage": {"encrypt": "KEY"}}, ["tightened storage.encrypt"]),
        ({"storage": {"encrypt": "KEY"}}, {}, ["exposure storage.encrypt"]),
        ({"storage": {"encrypt": "KEY"}}, {"storage": {"encrypt": "OTHER"}}, ["prose storage.encrypt"]),
        *(
            ({}, {"backend": {"store": store}}, [f"{name} backend.store"])
            for store, name in (
                ("s3://bucket/x", "exposure"), ("/mnt/x", "exposure"), ("../x", "exposure"), ("~/x", "exposure"),
                ("C:\\x", "exposure"), ("cache", "prose"), ("a:/x", "prose"),
            )
        ),
        ({"backend": {"store": "s3://a/x"}}, {"backend": {"store": "cache"}}, ["prose backend.store"]),
        ({"backend": {"store": "s3://a/x"}}, {"backend": {"store": "s3://b/x"}}, ["exposure backend.store"]),
        ({}, {"backends": {"far": {"store": "s3://a/x"}}}, ["exposure backends.far"]),
        ({}, {"backends": {"near": {"workers": 2}}}, ["prose backends.near"]),
        ({"backends": {"far": {"store": "s3://a/x"}}}, {}, ["prose backends.far"]),
        ({}, {"data.sources.more": {"path": "https://example.org/a.csv"}}, ["exposure data.sources.more"]),
        ({}, {"data.sources.more": {"path": "a.csv"}}, ["evaluation data.sources.more"]),
        ({"data.sources.more": {"path": "../a.csv"}}, {}, ["evaluation data.sources.more"]),
        ({}, {"data.sources.people.path": "../a.csv"}, ["exposure data.sources.people.path"]),
        ({"data.sources.people.path": "../a.csv"}, {}, ["evaluation data.sources.people.path"]),
        (
            {"data.sources.people.path": "../a.csv"},
            {"data.sources.people.path": "../b.csv"},
            ["evaluation data.sources.people.path"],
        ),
        ({}, {"data.columns.sensitive": ["sex"]}, ["exposure data.columns.sensitive"]),
        ({"data.columns.sensitive": ["sex"]}, {}, ["contract data.columns.sensitive"]),
        ({}, {"data.columns.use_sensitive": ["sex"]}, ["exposure data.columns.use_sensitive"]),
        ({"data.columns.use_sensitive": ["sex"]}, {}, ["contract data.columns.use_sensitive"]),
        ({}, {"data.columns.drop": ["job"]}, ["contract data.columns.drop"]),
        ({"data.columns.drop": ["job"]}, {}, ["contract data.columns.drop"]),
        ({}, {"data.columns.drop": ["sex"]}, ["prose data.columns.drop"]),
        ({}, {"data.columns.id": None}, ["exposure data.columns.id"]),
        (
            {},
            {"data.columns.id": None, "data.columns.drop": ["number"]},
            ["prose data.columns.drop", "prose data.columns.id"],
        ),
        ({}, {"data.columns.weight": "w"}, ["contract data.columns.weight"]),
        (
            {"data.columns.features": ["age"]},
            {"data.columns.features": ["age", "number"], "data.columns.id": None},
            ["exposure data.columns.features", "exposure data.columns.id"],
        ),
        ({}, {"project.goals": [{"name": "g", "metric": "accuracy", "at_least": 0.5}]}, ["tightened project.goals[g]"]),
        (
            {},
            {"project.goals": [{"name": "g", "metric": "accuracy", "guardrail": True}]},
            ["tightened project.goals[g]"],
        ),
        ({}, {"project.goals": [{"name": "g", "statement": "Good."}]}, ["prose project.goals[g]"]),
        ({"project.goals": [{"name": "g", "metric": "accuracy", "at_most": 0.5}]}, {}, ["removed project.goals[g]"]),
        ({}, {"project.users": {"abstain_below": 0.7}}, ["contract project.users.abstain_below"]),
        ({"project.users": {"abstain_below": 0.7}}, {}, ["contract project.users.abstain_below"]),
        (
            {"project.users": {"abstain_below": 0.7}},
            {"project.users": {"abstain_below": 0.8}},
            ["result project.users.abstain_below"],
        ),
        (
            {},
            {"constraints.waivers": [{"requirement": "r", "reason": "known"}]},
            ["loosened constraints.waivers[r]"],
        ),
        (
            {"constraints.waivers": [{"requirement": "r", "reason": "known"}]},
            {},
            ["tightened constraints.waivers[r]"],
        ),
        ({}, {"constraints.reviewers": {"data": ["@a"]}}, ["tightened constraints.reviewers.data"]),
        ({"constraints.reviewers": {"data": ["@a"]}}, {}, ["removed constraints.reviewers.data"]),
        (
            {"constraints.reviewers": {"data": ["@a"]}},
            {"constraints.reviewers": {"data": ["@b"]}},
            ["loosened constraints.reviewers.data"],
        ),
        (
            {"operation": {"release": {"approve": {"ann": KEY, "bob": KEY}, "stages": ["staging", "live"]}}},
            {"operation": {"release": {"approve": {"ann": KEY.replace("1t5", "2t5")}, "stages": ["live"]}}},
            [
                "removed operation.release.approve.bob",
                "loosened operation.release.approve.ann",
                "loosened operation.release.stages",
            ],
        ),
        (
            {"operation": {"release": {"stages": ["live"]}}},
            {"operation": {"release": {"stages": ["staging", "live"], "approve": {"ann": KEY}}}},
            ["tightened operation.release.approve.ann", "tightened operation.release.stages"],
        ),
        (
            {"operation": {"rollout": {"guard": ["service", "quality"], "canary": {"share": 0.05, "rows": 500}}}},
            {"operation": {"rollout": {"guard": ["service"], "canary": {"share": 0.1, "rows": 200}}}},
            [
                "loosened operation.rollout.canary.rows",
                "loosened operation.rollout.canary.share",
                "loosened operation.rollout.guard",
            ],
        ),
    ],
    ids=lambda value: repr(value)[:60],
)  # fmt: skip
def test_a_change_is_called_by_what_it_does(base: dict[str, Any], head: dict[str, Any], expected: list[str]) -> None:
    assert said(base, head) == expected
