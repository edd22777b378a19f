"""The ledger of hold-out use: what counts as a use, and that none is lost."""

import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mlspec.engine.run.holdout_ledger import FILE, Use, count, read, record

LETTERS = st.sampled_from("abcde")
USES = st.builds(Use, test=LETTERS, data=LETTERS, predictions=LETTERS)


def use(test: str = "t", data: str = "d", predictions: str = "p") -> Use:
    return Use(test=test, data=data, predictions=predictions)


def test_a_use_is_a_new_model_on_the_same_rows() -> None:
    known = [use(predictions="p1"), use(predictions="p2"), use(predictions="p1")]
    again = count(use(predictions="p1"), known, 2)
    assert (len(again.uses), again.place, again.exceeded()) == (2, 1, False)
    third = count(use(predictions="p3"), known, 2)
    assert (len(third.uses), third.place, third.exceeded()) == (3, 3, True)
    assert not count(use(predictions="p3"), known, None).exceeded()


def test_drawing_other_test_rows_from_the_same_data_makes_nothing_fresh() -> None:
    known = [use("t1", "d", "p1"), use("t2", "d", "p2")]
    assert count(use("t3", "d", "p3"), known, 2).exceeded()
    fresh = count(use("t3", "other files", "p3"), known, 2)
    assert (fresh.place, fresh.exceeded()) == (1, False)


@given(known=st.lists(USES, max_size=12), new=USES)
def test_who_came_first_keeps_its_place(known: list[Use], new: Use) -> None:
    before = count(new, known, None)
    later = count(new, [*known, *before.uses, use("t", new.data, "later")], None)
    assert later.place == before.place
    assert 1 <= before.place <= len(before.uses)


def test_a_torn_line_loses_itself_alone(tmp_path: Path) -> None:
    record(tmp_path, use(predictions="p1"), run="r1")
    file = tmp_path / FILE
    file.write_bytes(file.read_bytes() + b'{"test":"t","da')
    record(tmp_path, use(predictions="p2"))
    record(tmp_path, use(predictions="p2"))
    assert read(tmp_path) == [use(predictions="p1"), use(predictions="p2")]


WRITER = """
import sys
from pathlib import Path
from mlspec.engine.run.holdout_ledger import Use, record
home, who = Path(sys.argv[1]), sys.argv[2]
for number in range(40):
    record(home, Use(test="t", data="d", predictions=f"{who}-{number}"))
    record(home, Use(test="t", data="d", predictions=f"shared-{number}"))
"""


def test_runs_at_once_lose_no_use_and_count_none_twice(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, str(who)]) for who in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    found = read(tmp_path)
    assert len(found) == len(set(found)) == 40 * 4
