"""The page's section about groups that may be answered by models of their own, and the same in Markdown."""

from collections.abc import Iterator

from mlspec import formatting
from mlspec.report import sentences
from mlspec.report.facts.evaluation_facts import Estimate, GroupAnswers, PersonalFacts
from mlspec.report.facts.run import RunFacts
from mlspec.report.markdown import table as markdown_table
from mlspec.report.markdown import text
from mlspec.report.page.markup import Html, element
from mlspec.report.page.tables import Head, figures, table

MOST = 100


def personalization(facts: RunFacts) -> Html | None:
    """Every group: who answers it, by what figures, and how that did on the test rows."""
    found = facts.evaluation.personalization
    if found is None:
        return None
    heads: list[Head] = [found.key, "model", *figures("training rows", "validation rows")]
    heads += figures(f"{found.metric}, shared model", "own model", "better by", "better by on test rows")
    return element(
        "div",
        element("p", summary(found), class_="note"),
        table("Groups and their models", heads, [_group(group) for group in found.groups[:MOST]]),
        element("p", f"{len(found.groups) - MOST:,} more groups are in facts.json.", class_="note")
        if len(found.groups) > MOST
        else None,
    )


def summary(found: PersonalFacts) -> str:
    """What was done, and how sure one is of it."""
    own = sum(group.answered_by == "own" for group in found.groups)
    who = "Users, shown by a digest," if found.level == "user" else f"Groups by {found.key}"
    return (
        f"{who} can use {'one further model' if found.strategy != 'finetune' else 'models of their own'} "
        f"({found.strategy}), where it is shown to be better on the group's validation rows: {own:,} of "
        f"{len(found.groups):,} {'is' if own == 1 else 'are'}. {found.confidence:.0%} confidence intervals hold for "
        f"all {found.compared:,} comparisons together. Groups that are not in the training rows use the shared model."
    )


def lines(facts: RunFacts) -> Iterator[str]:
    """The same in Markdown, under a heading; nothing where there is no personalization."""
    found = facts.evaluation.personalization
    if found is None:
        return
    yield "### Personalization"
    yield ""
    yield text(summary(found))
    yield ""
    rows = [
        (
            text(group.group),
            "own model" if group.answered_by == "own" else f"shared model: {text(group.reason)}",
            f"{group.train_rows:,}",
            _gain(group.gain),
            _gain(group.test),
        )
        for group in found.groups[:MOST]
    ]
    heads = (text(found.key), "model", "training rows", "better by", "on test rows")
    yield from markdown_table(heads, rows)
    if len(found.groups) > MOST:
        yield ""
        yield f"{len(found.groups) - MOST:,} more groups are in facts.json."


def _gain(found: Estimate | None) -> str:
    return "–" if found is None or found.value is None else sentences.estimate(found)


def _group(group: GroupAnswers) -> Html:
    figure = "figure"
    return element(
        "tr",
        element("th", group.group, scope="row", class_="name"),
        element(
            "td",
            "own model" if group.answered_by == "own" else "shared model",
            [element("br"), element("small", group.reason)] if group.answered_by != "own" else None,
        ),
        element("td", f"{group.train_rows:,}", class_=figure),
        element("td", f"{group.validation_rows:,}", class_=figure),
        element("td", formatting.figure(group.one), class_=figure),
        element("td", formatting.figure(group.own), class_=figure),
        element("td", _gain(group.gain), class_=figure),
        element("td", _gain(group.test), class_=figure),
    )
