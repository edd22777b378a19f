"""Answers that are known."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugins.constraint import Check, Constraint, Context, Measured, Measurement, Params, Records
from mlspec.plugins.verdict import Verdict, not_measured

SHOWN = 5
EXPECTED = {"answer": "'{}'", "at_least": "at least {:g}", "at_most": "at most {:g}"}


class Examples(Constraint, frozen=True, kw_only=True):
    """The exported model predicts the stated requests as expected; follows from `project.users.examples`.

    Why: a few cases that everyone agrees on reveal errors that no metric shows.

    Example:
        users: {examples: [{row: {age: 40}, answer: ">50K"}]}
    """

    is_key: ClassVar[bool] = False

    examples: Annotated[tuple[Any, ...], Meta(description="Requests with their answers, as plain data.")] = ()

    def checks(self, context: Context) -> Iterator[Check]:
        """One gate for all."""
        yield Check(
            reads=Measurement(
                step="examples",
                output="answers",
                kind="examples",
                params={"examples": list(self.examples)},
                inputs={"model": ("select", "model")},
            )
        )

    @classmethod
    def decide(cls, params: Params, measured: Measured, records: Records) -> Verdict:
        """Every answer must be right."""
        answers = measured.get("answers")
        if answers is None:
            return not_measured("examples answered as expected")
        wrong = [(number, entry) for number, entry in enumerate(answers, start=1) if not entry["right"]]
        shown = [
            f"example {number}: {_expected(entry['expected'])} was expected, the model says {_answer(entry)}"
            for number, entry in wrong[:SHOWN]
        ]
        return Verdict(
            requirement=f"{len(answers)} example{'s' if len(answers) > 1 else ''} answered as expected",
            verdict="fail" if wrong else "pass",
            value=len(answers) - len(wrong),
            n=len(answers),
            threshold=len(answers),
            reason="; ".join(shown) + (f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""),
        )


def _expected(expected: Mapping[str, Any]) -> str:
    return " and ".join(EXPECTED[key].format(expected[key]) for key in EXPECTED if key in expected)


def _answer(entry: Mapping[str, Any]) -> str:
    value = f"{entry['value']:.4g}"
    return value if entry["answer"] is None else f"'{entry['answer']}' ({value})"
