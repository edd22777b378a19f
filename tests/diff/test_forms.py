"""The forms: what a reader sees, kept word for word, and that nothing in a spec can become markup or a command."""

import importlib.util
import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from mlspec.diff.change import (
    CandidateScore,
    Change,
    DataChange,
    Diff,
    GateChange,
    GateOutlook,
    Impact,
    Overview,
    Results,
    Side,
    SpecDiff,
    encode,
)
from mlspec.diff.show.github import MOST as SHOWN
from mlspec.diff.show.github import github
from mlspec.diff.show.host import Host
from mlspec.diff.show.html import html
from mlspec.diff.show.markdown import MOST, markdown, overview
from mlspec.diff.show.sarif import sarif
from mlspec.diff.show.text import text

_spec = importlib.util.spec_from_file_location("diff_world", Path(__file__).with_name("world.py"))
assert _spec is not None
assert _spec.loader is not None
world = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(world)

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
EDITS = [
    {"from": "at_least: 0.9}", "to": "at_least: 0.85} # mlspec-allow loosened: agreed with risk until May"},
    {"from": "    sensitive: [sex]\n", "to": ""},
    {"from": "seed: 7", "to": "seed: 8"},
    {"from": "trials: 5", "to": "trials: 20"},
    {"from": "[impute: median, scale: standard]", "to": "[scale: standard, impute: median]"},
    {"from": "    linear: {", "to": "    simple: {"},
    {"from": "false_negative: 5", "to": "false_negative: 10"},
    {"from": "  size: {model: 20MB}\n", "to": "  # mlspec-allow constraints.nothing: is no more\n"},
    {"from": "  owners: [growth]\n", "to": "  owners: [growth, risk]\n"},
]
HOSTILE = (
    "</code></script><script>alert(1)</script>|`x`|[a](javascript:b)\n::error::x @team #1 https://www.evil.example "
    "![](x) --> \x1b[31m\u202e"
)


@pytest.fixture(name="found")
def found_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Diff:
    monkeypatch.chdir(tmp_path)
    world.folder(Path("base"), world.BASE)
    world.folder(Path("head"), world.edited(world.BASE, EDITS))
    from mlspec import api

    return api.diff("base", "head", fail_on=("exposure", "loosened"))


@pytest.mark.parametrize(("name", "form"), [("text", text), ("markdown", markdown), ("github", github)])
def test_what_is_printed(name: str, form: Any, found: Diff) -> None:
    made = form(found)
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("MLSPEC_UPDATE"):
        golden.write_text(made, encoding="utf-8")
    assert made == golden.read_text(encoding="utf-8")


def test_json_is_what_the_published_schema_says(found: Diff) -> None:
    schema = json.loads((ROOT / "schema/diff.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(json.loads(encode(found)))
    assert msgspec.json.decode(encode(found), type=Diff) == found


def hostile(count: int, severity: str = "error") -> Diff:
    """A diff whose every word comes from somebody who means no good."""
    change = Change(
        id="0" * 12, kind="changed", path=HOSTILE, key=("data", HOSTILE), rule="data.sources.*", class_="exposure",
        severity=severity, old=HOSTILE, new={HOSTILE: [HOSTILE]}, accepted=None, steps=(HOSTILE,),
    )  # type: ignore[arg-type]  # fmt: skip
    many = [msgspec.structs.replace(change, id=f"{index:012}") for index in range(count)]
    side = Side(label=HOSTILE, path=HOSTILE)
    gate = GateOutlook(gate=HOSTILE, status="changed", value=1.0, unit=HOSTILE, held=HOSTILE, would="pass")
    data = DataChange(source=HOSTILE, rows=(1, 2), target={HOSTILE: (0.1, 0.2)}, drifted=(HOSTILE,))
    score = CandidateScore(candidate=HOSTILE, metric=HOSTILE, base=None, head={"value": 1.0})
    verdicts = GateChange(gate=HOSTILE, base_verdict=HOSTILE, head_verdict=HOSTILE, base_value=1.0, unit=HOSTILE)
    return Diff(
        project="name", base=side, head=side, changes=tuple(many), impact=Impact(unknown=HOSTILE), notes=(HOSTILE,),
        gates=(gate,), data=(data,), candidates=(score,), results=Results(gates=(verdicts,)),
    )  # fmt: skip


def test_nothing_in_a_spec_becomes_markup() -> None:
    side = Side(label=HOSTILE, path=HOSTILE)
    lost = SpecDiff(path=HOSTILE, status="unreadable", unreadable=HOSTILE)
    specs = (lost, SpecDiff(path=HOSTILE, status="changed", diff=hostile(3)))
    every = Overview(base=side, head=side, specs=(*specs, SpecDiff(path=HOSTILE, status="unchanged")))
    host = Host("https://example.org/a", "0" * 40)
    for made in (markdown(hostile(3)), markdown(hostile(3), host), overview(every), overview(every, host)):
        assert "<script" not in made
        assert not re.search(r"[^|]\n::error", made)
        inside = re.findall(r"<code>(.*?)</code>", made)
        assert inside
        assert not [text for text in inside if re.search(r"[|`\[\]<>@:*_~\\\x1b\u202e]", text) or "www." in text]
        hidden = r"<!-- mlspec:diff:[A-Za-z0-9._~/%-]+ -->"  # the path in it is one word without a sign
        outside = re.sub(rf"<code>.*?</code>|<a href=\"[^\"<>]*\">|</a>|{hidden}", "", made)
        assert "alert" not in outside
        assert "@team" not in outside
    page = html(hostile(3), HOSTILE, HOSTILE + "\nmore")
    assert "<script" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "\x1b[31m" not in text(hostile(3))


def test_a_comment_fits_and_says_what_does_not() -> None:
    made = markdown(hostile(2000))
    assert len(made) <= MOST
    assert re.search(r"\*\*\d+ more changes do not fit here\*\*", made)
    assert made.splitlines()[0].startswith("🔎 **2000 changes")
    last = made.splitlines()[-1]  # what looks for the comment takes these characters alone
    assert re.fullmatch(r"<!-- mlspec:diff:%3C/code%3E[A-Za-z0-9._~/%-]+ -->", last)
    assert "--" not in last.removeprefix("<!-- ").removesuffix(" -->")


def test_annotations_are_as_many_as_the_host_shows() -> None:
    few, many = github(hostile(SHOWN)).splitlines(), github(hostile(SHOWN + 1)).splitlines()
    assert len(few) == len(many) == SHOWN
    assert all(line.startswith("::error title=") for line in many)
    assert many[-1].endswith("::2 more changes of this kind are not shown: mlspec diff lists them")


def test_sarif_names_rule_place_and_suppression(found: Diff) -> None:
    (run,) = json.loads(sarif(found))["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    loosened = next(result for result in run["results"] if result["ruleId"] == "loosened")
    assert loosened["level"] == "error"
    assert loosened["suppressions"] == [{"kind": "external", "justification": "agreed with risk until May"}]
    place = loosened["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "head/project.yaml"
    line = world.edited(world.BASE, EDITS).splitlines()[place["region"]["startLine"] - 1]
    assert line[place["region"]["startColumn"] - 1 : place["region"]["endColumn"] - 1] == "0.85"


def test_the_page_shows_both_sides_and_every_change(found: Diff) -> None:
    page = html(found, world.BASE, world.edited(world.BASE, EDITS))
    assert all(f'id="{change.id}"' in page for change in found.changes)
    assert "http" not in page.replace("http-equiv", "")
    assert 'class="text old">    - {metric: roc_auc, at_least: 0.9}<' in page
    same = html(msgspec.structs.replace(found, changes=()), world.BASE, world.BASE)
    assert "lines that are the same" in same
    assert "text old" not in same
