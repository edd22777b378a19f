"""The page and the summary of a run: what they show, and that nothing in a spec or in data becomes markup."""

from collections.abc import Callable
from html.parser import HTMLParser

import msgspec
import pytest

from mlspec.diagnostics import Place
from mlspec.formatting import figure, seconds, size
from mlspec.plugins.verdict import Verdict
from mlspec.report.card.card import card
from mlspec.report.facts.delivery_facts import Figures
from mlspec.report.facts.limitations import limitations
from mlspec.report.facts.run import (
    Candidate,
    CheckFact,
    ColumnFact,
    DataFacts,
    FailureFact,
    LeftOut,
    RunFacts,
    Search,
    SourceFact,
    TrialFact,
)
from mlspec.report.markdown import markdown
from mlspec.report.page.page import page
from mlspec.report.sentences import headline
from mlspec.report.terminal.run import terminal

Made = Callable[..., RunFacts]
HOSTILE = "<script>alert(1)</script> \" onload=' </style> ]]> \x1b[31m \u202e | `x` @team"


class Elements(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _value in attrs)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_a_page_needs_nothing_but_itself(facts: Made) -> None:
    seen = Elements(page(facts(), "mlspec: 1\n"))
    assert not {"script", "link", "img", "iframe", "object"} & seen.tags
    assert all(address.startswith("#") for address in seen.addresses)


def test_a_registry_shows_the_figures_of_dora(facts: Made) -> None:
    live = Figures(
        stage="live",
        deployments=3,
        deployments_per_week=0.75,
        lead_time=4 * 3600.0,
        failures=1,
        change_failure_rate=1 / 3,
        time_to_restore=None,
    )
    shown = " ".join(Elements(page(facts(delivery=(live,)), "mlspec: 1\n")).text)
    assert "change failure rate time to restore live 3 0.75 4 h 33% -" in " ".join(shown.split())
    assert "Deliveries" not in page(facts(), "mlspec: 1\n")


def test_what_holds_in_spite_of_a_leak_is_amber(facts: Made) -> None:
    leak = CheckFact(
        step="check.data.validation", check="leak", measured="'alive' alone explains 99%", expected="less", fails=True,
        advice="data.columns.drop: [alive]", leak="'alive' alone tells the target",
    )  # fmt: skip
    leaks = (leak.leak, "'paid' is after 'seen'", "training rows also occur in other parts")
    found = facts(checks=(leak,), leaks=leaks)
    said = "The one constraint holds, but: 'alive' alone tells the target; 'paid' is after 'seen' and 1 more"
    assert headline(found) == said
    assert f"\x1b[1;33m{said}" in terminal(found, color=True)
    assert markdown(found).startswith("## ⚠️ ")
    shown = page(found, "mlspec: 1\n")
    assert '<div class="outcome unknown" role="status">' in shown
    assert shown.index("data.columns.drop: [alive]") < shown.index("<main>"), "at the top, with what to do"
    assert limitations(found)[0] == "The results may be better than in use: 'alive' alone explains 99% (leak)."
    assert headline(facts(outcome="error", leaks=leaks[:1])) == "0 steps failed; 'alive' alone tells the target"


def test_rows_that_vanish_are_counted(facts: Made) -> None:
    left = LeftOut(rows=10_000, without_target=2_836, within_gap=3)
    found = facts(target="a: b", data=DataFacts(left_out=left, sources=(SourceFact(name="t", path="t", format="csv"),)))
    said = "2,836 of 10,000 rows (28.4%) have no 'a: b' and are left out"
    way = '; to end the run instead: data.expect: [{column: "a: b", missing: {at_most: 0}}]'
    assert f"warning: split: {said}{way}\n" in terminal(found)
    assert "warning: split: 3 rows within the gap of the split are left out\n" in terminal(found)
    assert said in markdown(found)
    assert said in " ".join(Elements(page(found, "mlspec: 1\n")).text)
    assert said in card(found)
    bounded = msgspec.structs.replace(found.data, left_out=msgspec.structs.replace(left, bounded=True))
    assert f"warning: split: {said}\n" in terminal(facts(target="a: b", data=bounded))


def test_a_page_shows_the_verdict_with_its_evidence(facts: Made) -> None:
    shown = " ".join(Elements(page(facts(), "mlspec: 1\n")).text)
    for told in (
        "The one constraint holds",
        "roc_auc at least 0.9",
        "0.9263",
        "[0.9221, 0.9303]",
        "16,281",
        "line 13",
        "0.5",
    ):
        assert told in shown


def test_hostile_text_stays_text(facts: Made) -> None:
    hostile = facts(
        project=HOSTILE,
        goal=HOSTILE,
        owners=(HOSTILE,),
        overrides=(HOSTILE,),
        data=DataFacts(
            sources=(SourceFact(name=HOSTILE, path=HOSTILE, format="csv"),),
            columns=(ColumnFact(HOSTILE, "number", "feature"),),
        ),
        failures=(FailureFact(step=HOSTILE, cause=HOSTILE, place=Place(HOSTILE, 1, 1), log=HOSTILE),),
        environment={HOSTILE: HOSTILE},
    )
    seen = Elements(page(hostile, f"goal: {HOSTILE}\n"))
    assert "script" not in seen.tags
    assert "onload" not in seen.attributes
    shown = "".join(seen.text)
    assert "<script>alert(1)</script>" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_hostile_text_stays_text_in_markdown(facts: Made) -> None:
    told = markdown(facts(project=HOSTILE, goal="a\n\n# b | c <img> [x](y) _z_"))
    assert "<script>" not in told.replace("\\<script\\>", "")
    assert "a \\# b \\| c \\<img\\> \\[x\\](y) \\_z\\_" in told
    assert "@team" not in told


def test_markdown_has_the_gates_and_the_baselines(facts: Made) -> None:
    told = markdown(facts())
    assert "| ✅ pass | roc_auc at least 0.9 | 0.9263 [0.9221, 0.9303] | 16,281 |" in told
    assert "| roc_auc | 0.9263 [0.9221, 0.9303] | 0.5 |" in told


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        (("pass", "pass"), "All 2 constraints hold"),
        (("pass", "fail"), "1 of 2 constraints does not hold"),
        (("fail", "unknown"), "1 of 2 constraints does not hold, 1 cannot be decided"),
        (("pass", "unknown"), "1 of 2 constraints cannot be decided with this evidence"),
        ((), "Done; the spec states no constraints"),
    ],
)
def test_an_undecided_gate_is_never_told_as_a_pass(verdicts: tuple[str, ...], told: str, facts: Made) -> None:
    gates = tuple(Verdict(gate=f"gate.{n}", requirement="x", verdict=verdict) for n, verdict in enumerate(verdicts))  # type: ignore[arg-type]
    assert headline(facts(gates=gates)) == told


def test_numbers_show_as_many_digits_as_their_interval_bears() -> None:
    assert figure(0.926341, (0.9221, 0.9303)) == "0.9263"
    assert figure(531.26, (520.1, 540.9)) == "531"
    assert figure(0.5) == "0.5"
    assert figure(16281) == "16,281"
    assert figure(None) == "–"
    assert figure(float("nan")) == "–"
    assert [seconds(value) for value in (0.0032, 12.44, 200, 7500)] == ["3.2 ms", "12.4 s", "3 min 20 s", "2 h 5 min"]
    assert [size(value) for value in (812, 1.4e6)] == ["812 B", "1.4 MB"]


def test_a_search_shows_its_trials_and_what_it_found(facts: Made) -> None:
    trials = tuple(
        TrialFact(number=i, settings={"rate": 0.1 * (i + 1), "<script>": [i]}, state=state, score=score, epochs=3)
        for i, (state, score) in enumerate([("complete", 0.9), ("paused", 0.7), ("failed", None), ("complete", 0.93)])
    )
    search = Search(
        metric="roc_auc",
        greater_is_better=True,
        sampler="tpe",
        pruner="asha",
        best=3,
        importance={"rate": 0.75, "<script>": 0.25},
        trials=trials,
    )
    made = Elements(page(facts(candidates=(Candidate(name="net", model="torch.mlp", search=search),)), "a: 1"))
    told = " ".join(made.text)
    assert (
        "4 trials (2 complete, 1 paused, 1 failed) by tpe with asha; the best is trial 4: roc_auc 0.93, with the "
        "settings of the spec 0.9." in told
    )
    assert "75%" in told
    assert "script" not in made.tags
    assert "trial 2: 0.7, paused" in told


def test_an_evaluation_is_shown_and_hostile_names_stay_text(evaluated: Made) -> None:
    shown = Elements(page(evaluated("sex"), "a: 1"))
    text = " ".join(shown.text)
    for told in (
        "Calibration",
        "Cost of errors",
        "Abstention (risk-coverage curve)",
        "chosen 0.17",
        "too few rows",
        "By sex",
        "Difference to the best",
    ):
        assert told in text
    hostile = Elements(page(evaluated(HOSTILE), "a: 1"))
    assert hostile.tags == shown.tags
    assert hostile.attributes == shown.attributes
    told = markdown(evaluated(HOSTILE))
    assert "<script>" not in told.replace("\\<script\\>", "")
    assert "### roc_auc in slices of the test rows" in told
    assert "| equal_opportunity_difference |" in told
