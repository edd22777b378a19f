"""What the reader says of each kind of mistake, word for word, and what it marks.

The expected texts are in ``golden/load.txt``; ``MLSPEC_UPDATE=1 pytest tests/spec/test_load.py`` writes them again.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.document import parse
from mlspec.edits import applied
from mlspec.spec import units
from mlspec.spec.load import load
from mlspec.spec.read import with_setting

GOLDEN = Path(__file__).parent / "golden" / "load.txt"
BASE = {
    "project": "{name: small}",
    "data": "{sources: {rows: {path: rows.csv}}, columns: {target: y}}",
    "model": "{candidates: {one: {type: ridge}}}",
}
CASES = """\
project: {name: small\\n}
project: {name: "small\\n"}
project: {name: -small}
project: {name: 3}
project: {name: 3.5}
project: {name: true}
project: {name: null}
project: {name: [small]}
project: {name: ""}
project: 3
project: null
project: {name: small, goals: [{name: a, metric: accuracy, guardrail: yes}]}
project: {name: small, goals: [{name: a, metric: accuracy, guardrail: Off}]}
project: {name: small, goals: [{name: a, metric: accuracy, guardrail: ture}]}
project: {name: small, goals: [{name: a, metric: accuracy, guardrail: flase}]}
project: {name: small, goals: [{name: a, metric: accuracy, guardrail: 1}]}
project: {name: small, goals: [{name: a, metric: accuracy, guardrail: perhaps}]}
project: {name: small, users: {examples: [{row: {}, answer: a}]}}
project: {name: small, users: {mistakes: {false_positive: 0}}}
project: {name: small, users: {mistakes: {false_positive: 0.001}}}
project: {name: small, users: {abstain_below: 1}}
project: {name: small, users: {abstain_below: 0.999}}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y}, split: {seed: 3.0}}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y}, split: {seed: 3.5}}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y}, split: {seed: 1.0e+19}}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y}, split: {seed: true}}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y}, split: {seed: "3"}}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y}, split: {seed: null}}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y}, split: null}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y}, split: {by: true}}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y}, split: {by: tme}}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y}, split: {by: [time]}}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y, sensitive: 3}}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y, sensitive: null}}
data: {sources: {rows: {path: rows.csv}}, columns: {target: [y]}}
data: {sources: {rows: {path: rows.csv}}, columns: {}}
data: {sources: {rows: {path: rows.csv}}, columns: {traget: y}}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y, types: {a: null}}}
data: {sources: {rows: {path: rows.csv}}, columns: {target: y, types: {a: numbre}}}
data: {sources: {rows: {path: rows.unknown}}, columns: {target: y}}
data: {sources: {rows: {}}, columns: {target: y}}
data: {sources: {rows: {path: 3}}, columns: {target: y}}
data: {sources: {}, columns: {target: y}}
data: {sources: {rows: null}, columns: {target: y}}
data: {sources: {-rows: {path: rows.csv}}, columns: {target: y}}
evaluation: {repeats: 3}
evaluation: {confidence: {level: 0.5}}
evaluation: {confidence: {level: 0.501}}
evaluation: {confidence: {level: 1}}
evaluation: {scaling: {fractions: []}}
evaluation: {scaling: {fractions: [0.5]}}
evaluation: {scaling: {fractions: [0.5, 1]}}
evaluation: {scaling: {fractions: [0.1, 0.5, 1]}}
evaluation: {scaling: {fractions: [.1, .2, .3, .4, .5, .1, .2, .3, .4, .5, .1, .2, .3, .4, .5, .1, .2, .3, .4, .5]}}
evaluation: {scaling: {fractions: [.1, .2, .3, .4, .5, .1, .2, .3, .4, .5, .1, .2, .3, .4, .5, .1, .2, .3, .4, .5, 1]}}
evaluation: {metrics: accuracy}
evaluation: {metrics: [accuracy, 3]}
preprocessing: {numeric: [{scale: 3}]}
preprocessing: {numeric: [scale, 3]}
preprocessing: {numeric: scale}
preprocessing: {numeric: [scle]}
preprocessing: {numeric: [{scle: {}}]}
preprocessing: {numeric: [{impute: medain}]}
preprocessing: {numeric: [{impute: {strategy: median}}]}
preprocessing: {numeric: [{impute: {strtegy: median}}]}
preprocessing: {numeric: [{impute: median, scale: standard}]}
backend: gpuu
backend: 3
backend: {engine: inlin}
backend: {workers: 0}
backends: {mine: {engine: inline}}, backend: mine
backends: {mine: {engine: inline}}, backend: mien
backends: {mine: {engin: inline}}, backend: mine
backends: {mine: 3}, backend: mine
profiles: {quick: {model: {candidates: {one: {trees: 3}}}}}
profiles: {quick: {modl: {}}}
profiles: {quick: {profiles: {}}}
profiles: {quick: {mlspec: 1}}
profiles: {quick: 3, slow: {data: {split: {seed: x}}}}
profiles: {quick: {backend: mine, backends: {mine: {engine: inline}}}}
profiles: {quick: {backend: mine}}
profiles: {quick: {evaluation: {scaling: {fractions: [0.5]}}}}
profiles: {quick: {model: {candidates: {}}}}
model: {candidates: {-one: {type: ridge}}}
model: {candidates: {one: null}}
model: {candidates: {}}
model: {candidates: autoo}
model: {candidates: {one: {typ: ridge}}}
model: {candidates: {one: {}}}
model: {candidates: {one: ridge}}
model: {candidates: {one: {type: rigde}}}
model: {candidates: {one: {type: 3}}}
model: {candidates: {one: {type: ridge, alpha: true}}}
model: {candidates: {one: {type: ridge, alpha: -1}}}
model: {candidates: {one: {type: ridge, alpha: 0}}}
model: {candidates: {one: {type: ridge, alhpa: 1}}}
model: {candidates: {one: {type: torch.mlp, hidden: [1.5]}}}
model: {candidates: {one: {type: torch.mlp, hidden: [0]}}}
model: {candidates: {one: {type: torch.mlp, hidden: [1]}}}
constraints: {latency: {p95: 5}}
constraints: {latency: {p95: 999999d}}
constraints: {size: {model: 0MB}}
constraints: {latency: {p95: 5ms}}
constraints: {quality: [{metric: accuracy, at_least: yes}]}
constraints: {quality: {metric: accuracy}}
modle: {}
""".splitlines()


def told(case: str) -> str:
    """What is said of a case: the code, the marked text, the message, the label and the notes."""
    text = whole(case)
    found = mistakes(text)
    return "".join(f"    {_one(one, text)}\n" for one in found) or "    is read\n"


def whole(case: str) -> str:
    """The text of a spec with a case in it."""
    given = dict(BASE)
    lines = []
    for part in case.replace("}, backend:", "}\nbackend:").splitlines():
        name = part.partition(":")[0]
        given.pop(name, None)
        lines.append(part)
    return "".join(f"{name}: {value}\n" for name, value in given.items()) + "\n".join(lines) + "\n"


def mistakes(text: str) -> tuple[Diagnostic, ...]:
    """What the reader finds in a text."""
    try:
        load(parse(text, "project.yaml"))
    except SpecError as error:
        return error.diagnostics
    return ()


def _one(found: Diagnostic, text: str) -> str:
    span = found.span
    assert span is not None
    assert span.line == span.end_line
    marked = text.splitlines()[span.line - 1][span.column - 1 : span.end_column - 1]
    return f"{found.code} at {marked!r}: " + " | ".join((found.message, found.label, *found.notes))


def test_each_mistake_is_reported_at_its_place() -> None:
    found = "".join(f"{case}\n{told(case)}" for case in CASES)
    if os.environ.get("MLSPEC_UPDATE"):
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")


def test_every_fix_removes_what_it_is_for() -> None:
    fixed: set[str] = set()
    unfixed: list[str] = []
    for text in map(whole, CASES):
        found = mistakes(text)
        for one, fix in [(wrong, fix) for wrong in found for fix in wrong.fixes]:
            after = mistakes(applied(text, fix.edits))
            assert (one.code, one.message) not in [(other.code, other.message) for other in after], (text, fix)
            fixed.add(one.code)
        unfixed += [one.label for one in found if "did you mean '" in one.label and not one.fixes]
    assert fixed == {"not-allowed", "unknown-key", "unknown-plugin", "wrong-type"}
    assert unfixed == ["did you mean 'time'?", "did you mean 'model'?"]  # a list of it; a key that is there already


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("owners: [@ann, bob] # who", 'owners: ["@ann", bob] # who'),
        ("true: 1", '"true": 1'),
        ("0x10: 1", '"0x10": 1'),
        ("goal: @home for all", None),
        ("goal: `a`", 'goal: "`a`"'),
    ],
)
def test_what_has_to_be_quoted_is(line: str, fixed: str | None) -> None:
    found = mistakes(f"{line}\n")
    assert [applied(line, fix.edits) for fix in found[0].fixes] == ([] if fixed is None else [fixed])


def test_what_is_not_written_in_one_place_of_the_file_is_not_replaced() -> None:
    base = "".join(f"{name}: {value}\n" for name, value in BASE.items())
    set_ = with_setting(parse(base, "project.yaml"), "model.candidates.one.type=rigde")
    folded = parse(
        base.replace("{candidates: {one: {type: ridge}}}", "\n  candidates:\n    one:\n      type: >-\n        rigde"),
        "x",
    )
    for document in (set_, folded):
        with pytest.raises(SpecError) as caught:
            load(document)
        assert [(one.label, one.fixes) for one in caught.value.diagnostics] == [("did you mean 'ridge'?", ())]


def test_every_mistake_is_reported_once_and_in_order() -> None:
    text = (
        "modle: {}\nproject: {name: -small}\ndata: {sources: {}, columns: {target: 3}}\n"
        "profiles: {quick: {modl: {}, data: {split: {seed: x}}}}\n"
    )
    with pytest.raises(SpecError) as caught:
        load(parse(text, "project.yaml"))
    assert [(found.code, found.span.line if found.span else 0) for found in caught.value.diagnostics] == [
        ("unknown-key", 1), ("bad-name", 2), ("empty", 3), ("wrong-type", 3), ("unknown-key", 4), ("wrong-type", 4),
    ]  # fmt: skip


def test_a_number_has_the_type_of_its_key() -> None:
    project = load(
        parse(
            "project: {name: small, goals: [{name: a, metric: accuracy, at_least: 1}]}\n"
            "data: {sources: {rows: {path: rows.csv}}, columns: {target: y}, split: {seed: 3.0}}\n"
            "model: {candidates: {one: {type: ridge, alpha: 2}}}\n",
            "project.yaml",
        )
    )
    settings: Any = project.model.candidates["one"]
    found = [project.project.goals[0].at_least, project.data.split.seed, settings.plugin.alpha]
    assert [(type(value), value) for value in found] == [(float, 1.0), (int, 3), (float, 2.0)]


def test_a_source_without_endings_is_that_of_no_path() -> None:
    assert units.source_of("rows.\0") is None
    assert units.source_of("rows.CSV") == "csv"
