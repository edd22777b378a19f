"""The page for all readers: by screen reader, by keyboard, on a phone, in the dark, far from any network."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from mlspec.report.facts.profile_facts import ClassBalance, ColumnProfile, CommonValue
from mlspec.report.facts.run import ColumnFact, DataFacts, ExpectationFact, Place, RunFacts, StepFact
from mlspec.report.page.page import page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
LARGEST = 3_000_000
CSS = (Path(__file__).parents[2] / "src/mlspec/report/page/page.css").read_text()
LONG = "a_column_whose_name_is_as_long_as_such_names_get_in_the_warehouses_of_this_world"
Made = Callable[..., RunFacts]
SPEC = f"mlspec: 1\nproject: {{name: adult}}\n# {LONG * 4}\nconstraints:\n" + "# more\n" * 20

MEASURE = """
const frame = document.querySelector("iframe");
frame.addEventListener("load", () => {
  const inner = frame.contentDocument;
  const wide = [...inner.body.querySelectorAll("*")].filter((one) =>
    one.getBoundingClientRect().right > frame.clientWidth + 0.5 && !one.closest(".scroll, .unseen, .skip"));
  const told = {
    page: inner.documentElement.scrollWidth,
    wide: wide.map((one) => one.tagName + "." + one.className),
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    ground: getComputedStyle(inner.body).backgroundColor,
  };
  document.body.dataset.told = JSON.stringify(told);
});
"""


@pytest.fixture
def whole(evaluated: Made) -> RunFacts:
    """A run with something to say in every section."""
    name = LONG
    profile = ColumnProfile(
        missing=0.25, quantiles=(0.0, 1.0, 2.0, 3.0, 9.0), mean=2.0, bins=(1, 0, 5), distinct=3, common=()
    )
    categories = ColumnProfile(missing=0.0, distinct=3, common=(CommonValue(name, 40), CommonValue("b", 12)))
    data = DataFacts(
        sources=evaluated(name).data.sources,
        columns=(
            ColumnFact(name, "number", "feature", profile),
            ColumnFact("kind", "category", "target", categories),
            ColumnFact("sex", "category", "sensitive", ColumnProfile(missing=0.0, distinct=2)),
        ),
        expectations=(ExpectationFact(f"{name}: between 1 and 2", True, "1 to 2", Place("project.yaml", 3, 1)),),
        rows={"train": 300, "validation": 50, "test": 100},
        balance=(ClassBalance(name, {"train": 200, "test": 60}), ClassBalance("b", {"train": 100, "test": 40})),
        split="at random",
    )
    steps = tuple(
        StepFact(id=f"{kind}.{name}", kind=kind, action="ran", seconds=1.5, cpu_seconds=1.2, memory=120_000_000)
        for kind in ("train", "predict")
    )
    return msgspec.structs.replace(evaluated(name), data=data, steps=steps, environment={"python": "3.12"})


class Structure(HTMLParser):
    """Headings, table heads, pictures, ids and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_a_screen_reader_finds_its_way(whole: RunFacts) -> None:
    found = Structure(page(whole, SPEC))
    assert [len(found.all(tag)) for tag in ("h1", "main", "header", "nav", "footer")] == [1] * 5
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert {head["scope"] for head in found.all("th")} == {"col", "row"}
    assert len(found.all("caption")) == len(found.all("table"))
    assert all(picture.get("aria-label") for picture in found.all("svg"))
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in found.elements:
        assert attributes.get("href", "#L1")[1:] in ids  # type: ignore[index]
        assert attributes.get("aria-labelledby", ids[0]) in ids
        if attributes.get("role") == "region":
            # What scrolls has a name, and the keyboard can reach it.
            assert attributes["aria-label"]
            assert attributes["tabindex"] == "0"


def test_beside_each_line_of_the_spec_stands_what_came_of_it(whole: RunFacts) -> None:
    shown = page(whole, SPEC)
    lines = dict(re.findall(r'<span id="L(\d+)" class="line">(.*?)\n</span>', shown))
    assert "holds: 1 to 2" in lines["3"]
    assert 'href="#gate.quality.roc_auc"' in lines["13"]
    assert "pass 0.9263" in lines["13"]
    assert "remark" not in lines["2"]


def test_the_profile_tells_no_value_of_a_sensitive_column(whole: RunFacts) -> None:
    rows = re.findall(r'<tr class="sensitive">.*?</tr>', page(whole, SPEC))
    assert len(rows) == 1
    assert re.sub("<[^>]+>", " ", rows[0]).split() == ["sex", "sensitive", "category", "0", "2", "distinct", "values"]


def test_time_and_memory_of_each_step_are_shown(whole: RunFacts) -> None:
    assert re.search(r"train\.a_column.*?1\.5 s.*?1\.2 s.*?120 MB", page(whole, SPEC), re.DOTALL)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_its_ground(theme: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    colors = dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[0]))
    if theme == "dark":
        colors |= dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[1]))
    pairs = [(text, ground) for text in ("ink", "soft", "faint", "accent") for ground in ("ground", "card", "code")]
    pairs += [(name, f"{name}-soft") for name in ("good", "bad", "unsure", "accent")]
    pairs += [
        ("ink", "accent-soft"),
        ("soft", "accent-soft"),
        ("second", "code"),
        ("third", "card"),
        ("fourth", "card"),
    ]
    for text, ground in pairs:
        # WCAG 2.2, level AA.
        assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_reaches_over_the_edge_of_a_phone(theme: str, tmp_path: Path, whole: RunFacts) -> None:
    text = page(whole, SPEC)
    assert len(text.encode()) < LARGEST
    told = measured(text, 390, theme, tmp_path)
    assert told["wide"] == []
    assert told["page"] <= 390
    assert told["ground"] == {"light": "rgb(251, 251, 250)", "dark": "rgb(20, 23, 26)"}[theme]


def measured(text: str, width: int, theme: str, folder: Path) -> dict[str, object]:
    """What a browser measured of a page in a frame of that width."""
    assert BROWSER is not None
    file = folder / "frame.html"
    # A window can't be that narrow; a frame can.
    inner = json.dumps(text).replace("</", "<\\/")
    file.write_text(
        f'<!doctype html><body style="margin:0"><iframe style="width:{width}px;height:900px;border:0"></iframe>'
        f"<script>{MEASURE}\nframe.srcdoc = {inner};</script>",
        encoding="utf-8",
    )
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={folder / 'profile'}",
        f"--blink-settings=preferredColorScheme={int(theme == 'light')}",
        "--virtual-time-budget=5000",
        "--dump-dom",
        file.as_uri(),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8", start_new_session=True
    )
    try:
        dumped, _errors = process.communicate(timeout=120)
    finally:
        # The browser's helpers are of its group; none may outlive the test.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    found = re.search(r'data-told="([^"]*)"', dumped)
    assert found is not None
    told = json.loads(unescape(found[1]))
    assert isinstance(told, dict)
    return told
