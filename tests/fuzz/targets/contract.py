"""Data contracts of other tools: read, shown as YAML, added to a spec, written in each form."""

from pathlib import Path
from random import Random

import wild
from inputs import ROOT, SPECS, refused

from mlspec.contracts import reading, writing
from mlspec.diagnostics import SpecError
from mlspec.document import parse

SHARE, TRACED = 150, True
KEYS = (
    "name", "properties", "quality", "logicalType", "checks", "kwargs", "column", "mostly", "constraints", "enum",
    "pattern", "dtype", "metric",
)  # fmt: skip
CASES = ROOT / "tests/contracts"


def seeds() -> list[bytes]:
    """Those that the tests of contracts have, next to one of each form in the corpus."""
    files = sorted(
        path
        for path in CASES.rglob("*")
        if path.suffix in (".json", ".yaml", ".yml", ".md") and path.stat().st_size < 20_000
    )
    card = b"---\ndataset_info:\n  features:\n  - name: x\n    dtype: float32\n---\n# Card\n"
    return [*(path.read_bytes() for path in files[:20]), card]


def mutate(data: bytes, chance: Random) -> bytes:
    """Values, or bytes."""
    return wild.json_of(data, chance, KEYS)


def one(data: bytes, _scratch: Path) -> str:
    """Read it and write what it says."""
    from mlspec.api.contracts import add_contract

    try:
        found = reading.read(data, "contract.json")
    except SpecError as error:
        return f"refused {refused(error, {'contract.json': data.decode('utf-8', 'replace')})}"
    parse(reading.as_yaml(found, "contract.json"), "made.yaml")
    for form in writing.FORMS:
        if form != "croissant":
            writing.write(found, form, {}, Path())
    text, _left = add_contract(found, SPECS / "penguins/project.yaml")
    parse(text, "spec.yaml")
    return f"{found.format} {min(3, len(found.expect))}"
