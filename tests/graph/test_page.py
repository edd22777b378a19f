"""The page in a real browser: it draws, it answers clicks, wheel and drag, and nothing in a name becomes code."""

import json
import os
import re
import shutil
import signal
import subprocess
import urllib.parse
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from mlspec.graph.show.html import html
from mlspec.plugins.base import Column

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")

DRIVER = """
const stage = document.getElementById("stage");
const svg = stage.querySelector("svg");
const box = stage.getBoundingClientRect();
const node = (id) => svg.querySelector(`[data-step="${id}"]`);
const width = () => svg.viewBox.baseVal.width;
const told = {};
told.fits = width() >= svg.getBBox().width;
const before = width();
const wheel = {deltaY: -100, clientX: box.x + 50, clientY: box.y + 50, cancelable: true};
stage.dispatchEvent(new WheelEvent("wheel", wheel));
told.zoomed = width() < before;
const left = svg.viewBox.baseVal.x;
const at = (type, x) => new PointerEvent(type, {button: 0, clientX: x, clientY: box.y + 60, bubbles: true});
node("split").querySelector("rect").dispatchEvent(at("pointerdown", box.x + 60));
window.dispatchEvent(at("pointermove", box.x + 160));
window.dispatchEvent(at("pointerup", box.x + 160));
node("split").dispatchEvent(new MouseEvent("click", {bubbles: true}));
told.dragged = svg.viewBox.baseVal.x < left;
told.dragIsNoClick = document.querySelector("#panel h2") === null;
document.getElementById("fit").click();
told.fitsAgain = Math.abs(width() - before) < 0.01;
setTimeout(() => {
  node("split").querySelector("rect").dispatchEvent(new MouseEvent("click", {bubbles: true}));
  told.clicked = document.querySelector("#panel h2").textContent;
  told.chosen = node("split").classList.contains("chosen");
  node("select").dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}));
  told.keyed = document.querySelector("#panel h2").textContent;
  document.querySelector("#panel .link").click();
  told.followed = document.querySelector("#panel h2").textContent;
  const search = document.getElementById("search");
  search.value = "train.";
  search.dispatchEvent(new Event("input"));
  told.found = [...svg.querySelectorAll(".step:not(.faded)")].map((one) => one.dataset.step).join(" ");
  document.body.dataset.told = JSON.stringify(told);
}, 50);
"""


def browse(page: str, folder: Path, step: str = "") -> str:
    """The page's document after its scripts have run."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    assert BROWSER is not None
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        "--window-size=1200,800",
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=5000",
        "--dump-dom",
        file.as_uri() + (f"#{urllib.parse.quote(step)}" if step else ""),
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
    assert process.returncode == 0
    return dumped


def text_of(dumped: str) -> str:
    """What the panel shows, as text."""
    panel = dumped[dumped.index("<aside") : dumped.index("</aside>")]
    return unescape(re.sub(r"<[^>]+>", "\n", panel))


@pytest.mark.slow
def test_a_step_is_opened_and_told(bench: Any, project: Callable[..., Any], tmp_path: Path) -> None:
    graph = bench.compile(project())
    dumped = browse(html(graph, bench.plan(graph)), tmp_path / "browser", "prepare.linear")
    assert 'data-ready="true"' in dumped
    told = text_of(dumped)
    for part in ("prepare.linear", "never ran", "waits for split", "__target__", "identity", '"task"', "train.linear"):
        assert part in told, part


def test_pan_zoom_click_keys_and_search(bench: Any, project: Callable[..., Any], tmp_path: Path) -> None:
    graph = bench.compile(project())
    # The driver is a script that the page's policy would rightly refuse.
    page = re.sub(r"<meta http-equiv[^>]+>", "", html(graph, bench.plan(graph)))
    page = page.replace("</body>", f"<script>{DRIVER}</script></body>")
    dumped = browse(page, tmp_path / "browser")
    told = re.search(r'data-told="([^"]*)"', dumped)
    assert told is not None
    assert json.loads(unescape(told[1])) == {
        "fits": True,
        "zoomed": True,
        "dragged": True,
        "dragIsNoClick": True,
        "fitsAgain": True,
        "clicked": "split",
        "chosen": True,
        "keyed": "select",
        "followed": "evaluate.linear",
        "found": "train.linear train.trees",
    }


def test_hostile_names_stay_text(bench: Any, project: Callable[..., Any], tmp_path: Path) -> None:
    attack = "</script><img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    columns = (Column(attack, "category"), Column("<!--<script>", "integer"), Column("income", "category"))
    graph = bench.compile(project(goal=attack, columns={"drop": ()}), columns)
    dumped = browse(html(graph, bench.plan(graph)), tmp_path / "browser", "prepare.linear")
    assert 'data-ready="true"' in dumped
    assert "<title>people: the graph</title>" in dumped
    assert "<img" not in dumped
    assert attack in text_of(dumped)


def test_the_policy_refuses_a_script_that_is_not_the_page_s(
    bench: Any, project: Callable[..., Any], tmp_path: Path
) -> None:
    graph = bench.compile(project())
    page = html(graph).replace("</body>", "<script>document.title = 'owned'</script></body>")
    dumped = browse(page, tmp_path / "browser")
    assert "<title>people: the graph</title>" in dumped
