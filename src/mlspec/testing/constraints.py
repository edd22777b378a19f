"""Conformance suite for constraints: bounds, directions, and that nothing unmeasured passes."""

# ruff: noqa: D102 (the name of a test is its sentence)

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mlspec import registry
from mlspec.graph.fingerprint import canonical
from mlspec.graph.kinds import KINDS
from mlspec.plugins.constraint import Check, Computing, Constraint, Context, Measured
from mlspec.plugins.verdict import Verdict
from mlspec.spec.shape import Shape, fields

CONTEXT = Context(
    baselines={"majority": ""},
    confidence={"level": 0.95, "resamples": 1000},
    abstains=True,
)
RANK = {"fail": 0, "unknown": 1, "pass": 2}


class Evidence(Struct, frozen=True, kw_only=True):
    """What a gate decides by: what was measured, what each step took, and what the graph computes on."""

    measured: Measured = {}
    records: Mapping[str, Mapping[str, Any]] = {}
    computing: Computing = Computing(gpus=0, on_gpu=(), shares={})


class Case(Struct, frozen=True, kw_only=True):
    """A stated constraint that becomes one gate, the key of its bound (none where it has no bound), a figure that is
    just good enough, one that is just not, and the evidence for a figure, known exactly, given the check's params."""

    constraint: Constraint
    key: tuple[str, ...] = ()
    at: Any
    worse: Any
    evidence: Callable[[Any, Mapping[str, Any]], Evidence]


class ConstraintSuite:
    """Tests for a constraint: inherit, set ``name`` to the name of its file, and give a case for each of its bounds."""

    name: str

    def cases(self) -> Iterator[Case]:
        """A case for each bound, and for what is demanded without one."""
        raise NotImplementedError

    def test_a_figure_at_the_bound_passes_and_one_behind_it_fails(self) -> None:
        for case in self.cases():
            assert self._decided(case, case.constraint, case.at).verdict == "pass", case.key
            assert self._decided(case, case.constraint, case.worse).verdict == "fail", case.key

    def test_a_looser_bound_never_turns_a_pass_into_a_fail(self) -> None:
        """Looser by the direction that the key states: so direction and decision agree."""
        for case in self._bounded():
            direction = _shape(type(case.constraint), case.key).extra["bound"]
            assert (case.worse < case.at) == (direction == "at_least"), f"{case.key} points the other way"
            looser = _with(case.constraint, case.key, case.worse)
            for figure in (case.at, case.worse):
                before, after = (self._decided(case, one, figure).verdict for one in (case.constraint, looser))
                assert RANK[after] >= RANK[before], case.key
            assert self._decided(case, looser, case.worse).verdict == "pass", case.key

    def test_every_bound_has_a_case_and_its_words_name_it(self) -> None:
        cls = registry.constraint(self.name)
        bounds = {key for key, wanted in _keys(cls) if wanted.extra.get("bound") in ("at_least", "at_most")}
        assert bounds == {case.key for case in self._bounded() if isinstance(case.constraint, cls)}
        for case in self._bounded():
            looser = _with(case.constraint, case.key, case.worse)
            texts = {self._decided(case, one, case.at).requirement for one in (case.constraint, looser)}
            price = case.key[-1].endswith("_hour")
            assert len(texts) == (1 if price else 2), f"{case.key}: the requirement does not show its bound"

    def test_what_was_not_measured_never_passes(self) -> None:
        for case in self.cases():
            check = self._check(case.constraint)
            verdict = self._decider(check).decide(check.params, {}, {})
            assert verdict.verdict == "unknown", case.key
            assert verdict.reason, case.key

    def test_a_verdict_is_the_same_each_time_and_reads_back_from_what_is_stored(self) -> None:
        for case in self.cases():
            one, other = (self._decided(case, case.constraint, case.at) for _ in range(2))
            assert one == other
            stored = msgspec.json.encode(one.result())
            assert msgspec.json.decode(stored, type=Verdict) == one

    def test_checks_are_plain_data_and_read_what_a_step_gives(self) -> None:
        for case in self.cases():
            check = self._check(case.constraint)
            assert json.loads(canonical(check.params)) is not None
            assert isinstance(self._decider(check).unit(check.params), str)
            if check.reads.kind:
                assert check.reads.output in KINDS[check.reads.kind].outputs
                canonical(check.reads.params)

    def test_entries_of_a_list_are_distinguished(self) -> None:
        cls = registry.constraint(self.name)
        assert cls.label is not Constraint.label or not cls.many

    def _bounded(self) -> list[Case]:
        return [case for case in self.cases() if case.key]

    def _check(self, constraint: Constraint) -> Check:
        (check,) = constraint.checks(CONTEXT)
        return check

    def _decider(self, check: Check) -> type[Constraint]:
        return registry.constraint(check.of or self.name)

    def _decided(self, case: Case, constraint: Constraint, figure: Any) -> Verdict:
        check = self._check(constraint)
        evidence = case.evidence(figure, check.params)
        decider = self._decider(check)
        params = decider.planned(check.params, evidence.computing)
        return decider.decide(params, evidence.measured, evidence.records)


def _with(value: Any, key: tuple[str, ...], bound: Any) -> Any:
    """The struct with another bound at a key below it."""
    name, *rest = key
    return replace(value, **{name: _with(getattr(value, name), tuple(rest), bound) if rest else bound})


def _keys(cls: type[Struct]) -> Iterator[tuple[tuple[str, ...], Shape]]:
    for name, field in fields(cls).items():
        yield (name,), field.shape
        if field.shape.kind == "object":
            yield from (((name, *below), wanted) for below, wanted in _keys(field.shape.cls))


def _shape(cls: type[Struct], key: tuple[str, ...]) -> Shape:
    return dict(_keys(cls))[key]
