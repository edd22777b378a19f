"""The graph written for people and tools: right, stable, and safe whatever stands in names and prose."""

import json
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlspec.constraints.quality import Quality
from mlspec.graph.show import as_json, dot, explain, golden, html, mermaid, svg, text, tree
from mlspec.plugins.base import Column
from mlspec.spec.constraints import Constraints

PUBLISHED = Path(__file__).parents[2] / "schema" / "plan.schema.json"
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    '"];x[label="',
    "\x1b[31mred\x1b[0m",
    "two\nlines",
    "turned \u202e around",
    "\u2028",
    "a';--&amp;",
    "%%{init: {}}%%",
)


@pytest.fixture
def small(bench: Any, project: Callable[..., Any]) -> Any:
    made = project(constraints=Constraints(gates={"quality": (Quality(metric="roc_auc", at_least=0.9),)}))
    return bench.compile(made)


@pytest.fixture
def hostile(bench: Any, project: Callable[..., Any]) -> Any:
    columns = (*(Column(name, "category") for name in HOSTILE), Column("income", "category"))
    return bench.compile(project(name="".join(HOSTILE), goal="".join(HOSTILE), columns={"drop": ()}), columns)


def test_the_tree_shows_what_leads_to_what_and_why(bench: Any, small: Any, project: Callable[..., Any]) -> None:
    assert tree.tree(bench.plan(small, known=True, seconds={"split": 12.2, "train.trees": 200.0})) == (
        "source.people                      runs     time unknown  never ran\n"
        "└─ expect                          runs     time unknown  never ran\n"
        "   └─ split                        runs             12 s  never ran\n"
        "      ├─ prepare.linear            runs     time unknown  never ran\n"
        "      │  └─ train.linear           runs     time unknown  never ran\n"
        "      │     └─ predict.linear      runs     time unknown  never ran\n"
        "      │        └─ evaluate.linear  may run  time unknown  never ran; runs unless it reads the "
        "same as evaluate.trees\n"
        "      ├─ prepare.trees             runs     time unknown  never ran\n"
        "      │  └─ train.trees            runs       3 min 20 s  never ran\n"
        "      │     └─ predict.trees       runs     time unknown  never ran\n"
        "      │        └─ evaluate.trees   may run  time unknown  never ran; runs unless it reads the "
        "same as evaluate.linear\n"
        "      ├─ check.data.validation     runs     time unknown  never ran\n"
        "      ├─ check.data.test           runs     time unknown  never ran\n"
        "      ├─ check.groups.sex          runs     time unknown  never ran\n"
        "      ├─ select                    runs     time unknown  never ran; waits for evaluate.linear, "
        "evaluate.trees\n"
        "      │  └─ refit                  runs     time unknown  never ran\n"
        "      │     └─ predict             runs     time unknown  never ran\n"
        "      ├─ baseline.majority         runs     time unknown  never ran\n"
        "      └─ evaluate                  runs     time unknown  never ran; waits for predict, baseline.majority\n"
        "         └─ gate.quality.roc_auc   runs     time unknown  never ran\n"
        "\n"
        "Plan: 18 run, 2 may run; about 3 min 32 s (18 of unknown length)\n"
    )
    bench.run(small)
    after = tree.tree(bench.plan(small)).splitlines()
    assert after[0] == "source.people                      cached"
    assert after[14].endswith("cached   reads evaluate.linear, evaluate.trees")
    assert after[-1] == "Plan: 20 cached; nothing to do"


def test_colour_is_only_where_it_is_asked_for(bench: Any, small: Any) -> None:
    plan = bench.plan(small)
    painted = tree.tree(plan, color=True)
    assert "\x1b[" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == tree.tree(plan)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.0, "under 1 s"),
        (0.99, "under 1 s"),
        (12.4, "12 s"),
        (119, "119 s"),
        (120, "2 min"),
        (200, "3 min 20 s"),
        (7200, "2 h"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations_as_people_say_them(seconds: float, written: str) -> None:
    assert text.duration(seconds) == written


def test_the_published_schema_is_fresh_and_holds(bench: Any, small: Any, hostile: Any) -> None:
    if os.environ.get("MLSPEC_UPDATE"):
        PUBLISHED.write_text(as_json.schema())
    assert PUBLISHED.read_text() == as_json.schema()
    schema = json.loads(as_json.schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(json.loads(as_json.encode(as_json.as_json(small))))
    validator.validate(json.loads(as_json.encode(as_json.as_json(small, bench.plan(small)))))
    bench.run(small)
    done = json.loads(as_json.encode(as_json.as_json(small, bench.plan(small))))
    validator.validate(done)
    assert done["summary"] == {"steps": 20, "cached": 20, "runs": 0, "may_run": 0, "seconds": 0, "unknown": 0}
    assert done["steps"][0]["plan"]["action"] == "cached"
    broken = {**done, "steps": [{**done["steps"][0], "identity": "short"}]}
    assert not validator.is_valid(broken)


def test_explain_tells_all_about_a_step(bench: Any, small: Any) -> None:
    bench.run(small)
    told = explain.explain(small, "prepare.linear", bench.plan(small))
    assert told.startswith("prepare.linear (prepare)\n  made by preprocessing\n  cached\n")
    assert "  train: train of split  " in told
    assert "    age" in told
    assert "    __target__  category (target)" in told
    assert (
        "train.linear, predict.linear, evaluate.linear, select, refit, predict, evaluate, gate.quality.roc_auc" in told
    )
    with pytest.raises(KeyError):
        explain.explain(small, "prepare.none")


def test_no_text_lets_a_name_out_of_its_line(bench: Any, hostile: Any) -> None:
    plan = bench.plan(hostile)
    explained = "".join(explain.explain(hostile, step_id, plan) for step_id in hostile.steps)
    for written in (
        tree.tree(plan),
        golden.as_text(hostile),
        explained,
        dot.dot(hostile, plan),
        mermaid.mermaid(hostile, plan),
    ):
        written.encode("utf-8")
        assert not re.search(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\u202e\u2028]", written)
    assert sum(line.startswith("two") for line in golden.as_text(hostile).splitlines()) == 0


def test_dot_and_mermaid_quote_names(bench: Any, hostile: Any) -> None:
    first = dot.dot(hostile).splitlines()[0]
    assert re.fullmatch(r'digraph "(?:[^"\\]|\\.)*" \{', first)
    assert mermaid._escaped('a"]%%<b>') == "a#34;#93;#37;#37;#60;b#62;"
    assert '  n0["source.people"]:::runs' in mermaid.mermaid(hostile, bench.plan(hostile)).splitlines()


def test_the_picture_is_one_well_formed_document(bench: Any, hostile: Any, small: Any) -> None:
    for graph in (hostile, small):
        root = ElementTree.fromstring(svg.svg(graph, bench.plan(graph)))
        drawn = [
            group.get("data-step") for group in root.iter("{http://www.w3.org/2000/svg}g") if group.get("data-step")
        ]
        assert sorted(drawn) == sorted(graph.steps)
        assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
    assert svg.svg(small) == svg.svg(small)


def test_no_two_boxes_overlap_and_every_edge_points_right(small: Any) -> None:
    from mlspec.graph.show.layout import layout

    drawn = layout(small)
    boxes = list(drawn.boxes.items())
    for index, (one, left) in enumerate(boxes):
        assert left.x >= 0
        assert left.y >= 0
        assert left.x + left.width <= drawn.width
        assert left.y + left.height <= drawn.height
        for other, right in boxes[index + 1 :]:
            apart = left.x + left.width <= right.x or right.x + right.width <= left.x
            assert apart or abs(left.y - right.y) >= left.height, (one, other)
    for source, target in small.digraph.edges:
        assert drawn.boxes[source].x + drawn.boxes[source].width < drawn.boxes[target].x


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_has_only_its_own_markup_and_loads_nothing(bench: Any, small: Any, hostile: Any) -> None:
    def elements(graph: Any) -> list[tuple[str, dict[str, str | None]]]:
        parser = Elements()
        parser.feed(html.html(graph, bench.plan(graph)))
        return parser.found

    count = lambda graph, tag: sum(name == tag for name, _attributes in elements(graph))  # noqa: E731
    for tag in ("script", "style", "link", "img", "iframe", "a"):
        assert count(hostile, tag) == {"script": 2, "style": 1}.get(tag, 0)
    for _name, attributes in elements(hostile):
        assert not {"src", "href", "onload", "onclick"} & attributes.keys()
    policy = next(attributes["content"] for name, attributes in elements(small) if "http-equiv" in attributes)
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "script-src 'sha256-" in policy


def test_golden_text_holds_no_digest_and_no_version(small: Any) -> None:
    written = golden.as_text(small)
    assert "train.trees (train)\n  reads train: prepare.trees.train\n" in written
    assert not re.search(r"[0-9a-f]{16}", written)
