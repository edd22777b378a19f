"""The page's section about the search for settings: what was tried, what was found, what matters."""

from mlspec import formatting
from mlspec.report.facts.run import Candidate, RunFacts, Search, TrialFact
from mlspec.report.page.charts import label, line, picture
from mlspec.report.page.markup import Html, element
from mlspec.report.page.tables import figures, table

WIDTH, HEIGHT, LEFT, BOTTOM, RIGHT = 420.0, 190.0, 52.0, 24.0, 16.0


def tuning(facts: RunFacts) -> Html | None:
    """Each candidate's search: a dot a trial, the best so far, the settings found and how much each matters."""
    searched = [(candidate, candidate.search) for candidate in facts.candidates if candidate.search is not None]
    if not searched:
        return None
    return element(
        "div",
        element(
            "p",
            "Trials are scored on the validation rows and never use the test rows. The first trial has the settings of "
            "the spec.",
            class_="note",
        ),
        element("div", [_search(candidate, search) for candidate, search in searched], class_="columns"),
    )


def _search(candidate: Candidate, search: Search) -> Html:
    counts = ", ".join(f"{number} {state}" for state, number in _states(search.trials).items())
    text = f"{formatting.count(len(search.trials), 'trial')} ({counts}) by {search.sampler}"
    text += f" with {search.pruner}" if search.pruner != "none" else ""
    written, best = search.trials[0], next(t for t in search.trials if t.number == search.best)
    gain = (
        f"{search.metric} {formatting.figure(best.score)}, with the settings of the spec "
        f"{formatting.figure(written.score)}"
    )
    return element(
        "div",
        element("h3", candidate.name),
        element("p", f"{text}; the best is trial {best.number + 1}: {gain}.", class_="note"),
        _history(search),
        _settings(candidate.name, search, written, best),
        class_="card pad",
    )


def _states(trials: tuple[TrialFact, ...]) -> dict[str, int]:
    states = [trial.state for trial in trials]
    return {state: states.count(state) for state in dict.fromkeys(states)}


def _settings(name: str, search: Search, written: TrialFact, best: TrialFact) -> Html:
    rows = [
        element(
            "tr",
            element("th", setting, scope="row", class_="name"),
            element("td", _shown(written.settings.get(setting)), class_="figure"),
            element("td", _shown(value), class_="figure"),
            element(
                "td", f"{search.importance[setting]:.0%}" if setting in search.importance else "–", class_="figure"
            ),
        )
        for setting, value in best.settings.items()
    ]
    heads = ["setting", *figures("written", "best", "matters")]
    return table(f"Settings: {name}", heads, rows, card=False)


def _shown(value: object) -> str:
    return formatting.figure(value) if isinstance(value, float) else str(value)


def _history(search: Search) -> Html | None:
    """Scores by trial; a trial that trained to its end is a full dot, the line is the best of them so far."""
    scored = [(trial, trial.score) for trial in search.trials if trial.score is not None]
    if len(scored) < 2:
        return None
    # A few trials that went wrong must not flatten the rest.
    ordered = sorted((score for _trial, score in scored), reverse=search.greater_is_better)
    good, bad = ordered[0], ordered[min(len(ordered) - 1, round(len(ordered) * 0.8))]
    room = abs(good - bad) or abs(good) or 1.0
    top, bottom = max(good, bad) + room * 0.08, min(good, bad) - room * 0.08

    def across(number: int) -> float:
        return LEFT + 6 + number / max(1, len(search.trials) - 1) * (WIDTH - LEFT - RIGHT - 12)

    def up(score: float) -> float:
        share = min(1.0, max(0.0, (top - score) / (top - bottom)))
        return 8 + share * (HEIGHT - BOTTOM - 8)

    parts: list[Html] = []
    for step in range(4):
        value = bottom + (top - bottom) * (step + 0.5) / 4
        parts.append(line("grid", LEFT, up(value), WIDTH - RIGHT, up(value)))
        parts.append(label(formatting.figure(value, (bottom, top)), LEFT - 8, up(value) + 4, "end"))
    for number in sorted({0, len(search.trials) // 2, len(search.trials) - 1}):
        parts.append(label(str(number + 1), across(number), HEIGHT - 6, "middle"))
    best: float | None = None
    corners: list[str] = []
    for trial, score in scored:
        if trial.state == "complete":
            better = best is None or (score > best if search.greater_is_better else score < best)
            if better:
                if best is not None:
                    corners.append(f"{across(trial.number):.1f},{up(best):.1f}")
                best = score
                corners.append(f"{across(trial.number):.1f},{up(score):.1f}")
    if best is not None:
        corners.append(f"{across(len(search.trials) - 1):.1f},{up(best):.1f}")
        parts.append(element("polyline", class_="curve curve0", points=" ".join(corners)))
    for trial, score in scored:
        title = element("title", f"trial {trial.number + 1}: {formatting.figure(score)}, {trial.state}")
        kind, size = ("point", 3.5) if trial.state == "complete" else ("mark", 3.0)
        parts.append(element("circle", title, class_=kind, cx=across(trial.number), cy=up(score), r=size))
    text = f"{search.metric} of {len(scored)} trials; best {formatting.figure(best)}"
    return picture("trials", WIDTH, HEIGHT, text, parts)
