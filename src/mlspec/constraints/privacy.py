"""Constraints on personal data."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from mlspec.plugins.constraint import Check, Constraint, Context, Measured, Measurement, Params, Records, SpecPath
from mlspec.plugins.keys import ALL_OF, ASKED, AT_LEAST, AT_MOST, ColumnName
from mlspec.plugins.verdict import Verdict, by_interval, by_value, not_measured

PARTS = ("train", "validation", "test")
KEYS = Annotated[
    tuple[ColumnName, ...],
    Meta(
        description="The columns that could identify a person together, after anonymisation.",
        min_length=1,
        extra=ALL_OF,
    ),
]


class KAnonymity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of each combination of values that occurs there are at least so many rows."""

    columns: KEYS
    k: Annotated[
        int,
        Meta(description="The lowest allowed number of rows that share a combination of values.", ge=2, extra=AT_LEAST),
    ]


class LDiversity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sensitive value cannot be inferred from a combination: its rows have at least this many distinct ones."""

    columns: KEYS
    sensitive: Annotated[ColumnName, Meta(description="The sensitive column whose values must vary.")]
    l: Annotated[  # noqa: E741 (the measure's name)
        int,
        Meta(
            description="The lowest allowed number of distinct values among the rows of a combination.",
            ge=2,
            extra=AT_LEAST,
        ),
    ]


class Membership(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How well an attacker who sees the model's predictions may infer which rows it was trained on."""

    at_most: Annotated[
        float,
        Meta(
            description="Bound on the ROC AUC of the attack: 0.5 is chance, 1 is perfect. The whole interval must be "
            "below the bound.",
            ge=0.5,
            le=1,
            extra=AT_MOST,
        ),
    ]


class DifferentialPrivacy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much the selected model's weights may reveal about any single training row."""

    epsilon: Annotated[float, Meta(description="The highest allowed epsilon of the training.", gt=0, extra=AT_MOST)]
    delta: Annotated[float, Meta(description="The highest allowed delta of the training.", gt=0, lt=1, extra=AT_MOST)]


class Privacy(Constraint, frozen=True, kw_only=True):
    """Constraints on personal data in the data and in the model.

    Why: rows without names can still be traced to people, and a model can reveal which rows it was trained on.

    Example:
        privacy: {direct_identifiers: forbid, k_anonymity: {columns: [age, postcode], k: 5}}
    """

    rank: ClassVar[int] = 20
    guards_people: ClassVar[bool] = True

    direct_identifiers: Annotated[
        Literal["forbid"] | None,
        Meta(
            description="forbid: no direct identifier may be kept, and no cell read by later steps may look like an "
            "email address, a telephone, card or account number, or an IP address.",
            extra=ASKED,
        ),
    ] = None
    k_anonymity: Annotated[
        KAnonymity | None, Meta(description="The number of rows that share a combination of values.")
    ] = None
    l_diversity: Annotated[
        LDiversity | None, Meta(description="The number of distinct sensitive values among such rows.")
    ] = None
    membership: Annotated[
        Membership | None, Meta(description="Bound on a membership inference attack on the model.")
    ] = None
    differential_privacy: Annotated[
        DifferentialPrivacy | None,
        Meta(
            description="The selected model must be trained by DP-SGD (`private` of `torch.*`) within this budget; a "
            "model that was not fails.",
            examples=[{"epsilon": 3, "delta": 1e-5}],
        ),
    ] = None

    def checks(self, context: Context) -> Iterator[Check]:
        """A gate for each key; the three that look at rows share one measurement."""
        if self.direct_identifiers is not None:
            yield _check("direct_identifiers", {}, _of_rows("identifiers", True))
        if self.k_anonymity is not None:
            by = {"columns": list(self.k_anonymity.columns)}
            bound = {"at_least": self.k_anonymity.k}
            yield _check("k_anonymity", {**by, **bound}, _of_rows("k_anonymity", {**by, **bound}))
        if self.l_diversity is not None:
            stated = self.l_diversity
            asked = {"columns": list(stated.columns), "sensitive": stated.sensitive, "at_least": stated.l}
            yield _check("l_diversity", asked, _of_rows("l_diversity", asked))
        if self.membership is not None:
            reads = Measurement(
                step="measure.membership",
                output="membership",
                kind="membership",
                params={"confidence": context.confidence},
                inputs={"model": ("select", "model"), "train": ("split", "train"), "test": ("split", "test")},
            )
            yield _check("membership", {"at_most": self.membership.at_most}, reads)
        if self.differential_privacy is not None:
            reads = Measurement(
                step="measure.differential_privacy",
                output="promise",
                kind="differential_privacy",
                inputs={"model": ("select", "model")},
            )
            budget = {"epsilon": self.differential_privacy.epsilon, "delta": self.differential_privacy.delta}
            yield _check("differential_privacy", budget, reads)

    def columns(self) -> Mapping[SpecPath, tuple[str, ...]]:
        """Those by which somebody might be found, and the sensitive one."""
        found: dict[SpecPath, tuple[str, ...]] = {}
        if self.k_anonymity is not None:
            found["k_anonymity", "columns"] = self.k_anonymity.columns
        if self.l_diversity is not None:
            found["l_diversity", "columns"] = self.l_diversity.columns
            found["l_diversity", "sensitive"] = (self.l_diversity.sensitive,)
        return found

    @classmethod
    def decide(cls, params: Params, measured: Measured, records: Records) -> Verdict:
        """By counts of rows, which are exact; by the attack's interval; or by what the training promises."""
        if params["what"] == "membership":
            bound = params["at_most"]
            text = f"ROC AUC of a membership inference attack at most {bound:g}"
            if "value" not in measured:
                return not_measured(text, bound)
            return by_interval(text, measured, measured["n"], bound, at_least=False)
        if params["what"] == "differential_privacy":
            return _promised(params, measured)
        if params["what"] == "direct_identifiers":
            return _identifiers(measured)
        return _combinations(params, measured)


def _check(what: str, params: Params, reads: Measurement) -> Check:
    return Check(name=what, at=(what,), params={"what": what, **params}, reads=reads)


def _of_rows(what: str, asked: Any) -> Measurement:
    inputs = {part: ("split", part) for part in PARTS}
    return Measurement(step="measure.privacy", output="privacy", kind="privacy", params={what: asked}, inputs=inputs)


def _identifiers(measured: Measured) -> Verdict:
    text = "no direct identifiers in the data"
    if "identifiers" not in measured:
        return not_measured(text, 0)
    rows, identifiers = measured["rows"], measured["identifiers"]
    cells = sum(count for kinds in identifiers.values() for count in kinds.values())
    listed = "; ".join(
        f"'{name}': {count:,} times {kind}" for name, kinds in identifiers.items() for kind, count in kinds.items()
    )
    reason = listed or f"no cell of {rows:,} rows looks like one"
    return replace(by_value(text, cells, 0), n=rows, reason=reason)


def _combinations(params: Params, measured: Measured) -> Verdict:
    least, by = params["at_least"], " and ".join(params["columns"])
    text = {
        "k_anonymity": f"at least {least} rows share each combination of {by}",
        "l_diversity": f"at least {least} values of {params.get('sensitive')} for each combination of {by}",
    }[params["what"]]
    if params["what"] not in measured:
        return not_measured(text, least)
    rows, found = measured["rows"], measured[params["what"]]
    below, of = found["combinations_below"], found["combinations"]
    reason = f"at least {found['least']}, over {of:,} combinations of {rows:,} rows"
    if below:
        reason = f"{below:,} of {of:,} combinations have fewer, with {found['rows_below']:,} of {rows:,} rows"
    return Verdict(
        requirement=text,
        verdict="fail" if below else "pass",
        value=found["least"],
        low=found["least"],
        high=found["least"],
        n=rows,
        threshold=least,
        reason=reason,
    )


def _promised(params: Params, measured: Measured) -> Verdict:
    """The privacy guarantee of the training, against the bound."""
    epsilon, delta = params["epsilon"], params["delta"]
    text = f"differentially private training with epsilon at most {epsilon:g} and delta at most {delta:g}"
    if "promise" not in measured:
        return not_measured(text, epsilon)
    found = measured["promise"]
    if found is None:
        return Verdict(requirement=text, verdict="fail", threshold=epsilon, reason=measured["reason"])
    value = found["epsilon"]
    reason = (
        f"epsilon {value:.3g} at delta {found['delta']:g} ({found['spent']:.3g} spent in {found['steps']:,} of "
        f"{found['planned']:,} steps), by the {found['accountant'].upper()} accountant"
    )
    holds = value <= epsilon and found["delta"] <= delta
    return Verdict(
        requirement=text,
        verdict="pass" if holds else "fail",
        value=value,
        low=value,
        high=value,
        threshold=epsilon,
        reason=reason,
    )
