"""docs/security.md names a test for each promise, and README points to the page."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")


def test_each_test_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w./-]+)`", PAGE))
    assert len(named) > 10
    assert not sorted(name for name in named if not (ROOT / name).exists())


def test_each_row_of_the_table_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| **")]
    assert len(rows) >= 12
    assert not [row for row in rows if not re.search(r"`tests/[\w./-]+`", row.rsplit("|", 2)[1])]


def test_readme_and_the_policy_point_to_the_page() -> None:
    assert "(docs/security.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(docs/security.md)" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
