"""Types every example spec character by character, as an editor would send it, and measures what a keystroke costs.

    python benchmarks/editor.py [EVERY]

After each character the text is checked by the compiler, and completion is asked for at its end. ``EVERY`` types only
every so manieth prefix. Prints the number of edits, crashes, the median and the slowest CPU time.
"""

import statistics
import sys
import time
import traceback
from pathlib import Path

from mlspec.editor.completion import completion
from mlspec.editor.state import Opened, opened

GOAL = 30.0  # milliseconds


def main(every: int) -> int:
    taken: list[float] = []
    asked: list[float] = []
    crashes, slowest = 0, ""
    for spec in sorted((Path(__file__).parents[1] / "specs").glob("*/project.yaml")):
        text = spec.read_text(encoding="utf-8")
        now: Opened | None = opened(str(spec), text)  # imports what it needs, once
        own = len(taken)
        for end in range(0, len(text) + 1, every):
            line, column = text.count("\n", 0, end), end - text.rfind("\n", 0, end) - 1
            try:
                start = time.process_time()
                now = opened(str(spec), text[:end], now)
                checked = time.process_time()
                completion(now, line, column)
                taken.append((checked - start) * 1e3)
                asked.append((time.process_time() - checked) * 1e3)
            except Exception:
                crashes += 1
                traceback.print_exc()
                continue
            if taken[-1] == max(taken):
                slowest = f"{spec.parent.name}:{line + 1}:{column + 1}"
        print(f"{spec.parent.name:20} {len(text):6,} characters, median {statistics.median(taken[own:]):.1f} ms")
    share = sum(one <= GOAL for one in taken) / len(taken)
    print(f"{len(taken):,} edits, {crashes} crashes")
    print(f"check: median {statistics.median(taken):.1f} ms CPU, slowest {max(taken):.1f} ms ({slowest})")
    print(f"completion: median {statistics.median(asked):.1f} ms CPU, slowest {max(asked):.1f} ms")
    print(f"{share:.2%} of the checks took at most {GOAL:g} ms")
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
