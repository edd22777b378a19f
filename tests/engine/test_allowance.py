"""How the time of a selection is shared among its trainings, by a clock of its own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec.engine.allowance import AFTER, FLOOR, Allowance
from mlspec.graph.build import compile_graph
from mlspec.graph.graph import Graph
from mlspec.graph.passes.timing import for_training, shares
from mlspec.rules import check
from mlspec.spec.read import read

SPEC = """\
project: {name: small}
data: {sources: {people: {path: people.csv}}, columns: {target: income}}
model:
  candidates:
    boost: {type: lightgbm}
    forest: {type: random_forest}
    mlp: {type: torch.mlp}
  time: 100s
  cross_validation: {folds: 3}
"""


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    folder = tmp_path_factory.mktemp("small")
    (folder / "people.csv").write_text("age,income\n" + "".join(f"{20 + k % 40},{k % 2}\n" for k in range(60)))
    (folder / "project.yaml").write_text(SPEC)
    project, document = read(folder / "project.yaml")
    facts, _ = check.facts(project, document, folder)
    return compile_graph(project, facts, document)


def test_shares_are_by_worth_and_sum_to_the_time(graph: Graph) -> None:
    found = shares(graph)
    assert list(dict.fromkeys(name for name, _ in found.values())) == ["boost", "forest", "mlp"]
    assert abs(sum(seconds for _, seconds in found.values()) - for_training(graph.project)) < 0.1
    assert found["train.boost.fold1"][1] == found["train.boost"][1] > 2.9 * found["train.forest.fold1"][1]


def test_what_a_quick_candidate_leaves_goes_to_the_others(graph: Graph) -> None:
    clock = Clock()
    allowance = Allowance(graph, 1, now=clock)
    given_to = {}
    for step_id, (name, seconds) in shares(graph).items():
        given_to[step_id] = allowance.begin(step_id)
        clock.now += given_to[step_id] if name != "boost" else 0.01
        allowance.end(step_id)
        assert given_to[step_id] >= seconds - 0.01
    assert given_to["train.mlp.fold2"] > 1.9 * shares(graph)["train.mlp.fold2"][1]
    assert abs(clock.now - 50 - for_training(graph.project)) < 0.1


def test_what_is_left_for_the_second_fit_ends_with_the_time(graph: Graph) -> None:
    clock = Clock()
    allowance = Allowance(graph, 1, now=clock)
    assert allowance.rest() is None, "nothing was trained in this run: the first fits say nothing of its time"
    for step_id in shares(graph):
        clock.now += allowance.begin(step_id)
        allowance.end(step_id)
    assert clock.now + (allowance.rest() or 0.0) == pytest.approx(50 + AFTER * 100)
    clock.now += 100
    assert allowance.rest() == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1.4), min_size=12, max_size=12), st.integers(1, 3))
def test_trainings_that_keep_to_their_seconds_end_in_time(graph: Graph, used: list[float], slots: int) -> None:
    clock = Clock()
    allowance = Allowance(graph, slots, now=clock)
    waiting, running = [*shares(graph)], list[tuple[float, str]]()
    factors = dict(zip(waiting, used, strict=False))
    while waiting or running:
        while waiting and len(running) < slots:
            step_id = waiting.pop(0)
            seconds = allowance.begin(step_id)
            assert seconds == 0 or seconds >= FLOOR
            running.append((clock.now + seconds * min(1.0, factors.get(step_id, 1.0)), step_id))
        running.sort()
        clock.now, ended = running.pop(0)
        allowance.end(ended)
    assert clock.now - 50 <= for_training(graph.project) + FLOOR * len(factors)


def test_a_candidate_for_which_no_time_is_left_is_left_out_whole(graph: Graph) -> None:
    clock = Clock()
    allowance = Allowance(graph, 1, now=clock)
    order = [*shares(graph)]
    assert allowance.begin(order[0]) > FLOOR
    clock.now += 1000
    allowance.end(order[0])
    left = {step_id: allowance.begin(step_id) for step_id in order[1:]}
    assert {seconds for step_id, seconds in left.items() if step_id.startswith("train.boost")} == {FLOOR}
    assert {seconds for step_id, seconds in left.items() if not step_id.startswith("train.boost")} == {0.0}
