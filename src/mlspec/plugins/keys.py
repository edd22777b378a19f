"""Types of keys that plug-ins and the rest of a spec share: times, sizes, shares, names of columns."""

from typing import Annotated

from msgspec import Meta

Seconds = Annotated[float, Meta(extra={"unit": "duration"}, examples=["5ms", "30s", "10m", "2h"])]
Bytes = Annotated[int, Meta(extra={"unit": "bytes"}, examples=["20MB", "4GB", "512KiB"])]
Share = Annotated[float, Meta(ge=0, le=1)]
ColumnName = Annotated[str, Meta(extra={"column": True}, min_length=1)]
Columns = Annotated[tuple[ColumnName, ...], Meta(extra={"one": True}, min_length=1, max_length=3)]

AT_LEAST, AT_MOST = {"bound": "at_least"}, {"bound": "at_most"}
"""``Meta.extra`` of a constraint's bound: `mlspec diff` knows by it which change asks for less."""
ALL_OF, ASKED = {"bound": "all_of"}, {"bound": "asked"}
"""The same of a list of which everything must hold (fewer ask for less), and of a key that asks by being there."""
MORE_EVIDENCE, LESS_EVIDENCE = {"evidence": "at_least"}, {"evidence": "at_most"}
"""Of a key that is no bound, but without which less is shown by the same figures: the more of it (or the less) the
stricter."""
