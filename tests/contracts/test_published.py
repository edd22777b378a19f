"""The schemas of contracts that are shipped are the published ones, without the texts that decide nothing.

``MLSPEC_UPDATE=1 pytest tests/contracts/test_published.py`` writes that of the Open Data Contract Standard from the
installed ``open-data-contract-standard``. That of Frictionless was written the same way from the address in ORIGIN.md.
"""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import open_data_contract_standard as standard
import pytest

from mlspec.cli import main
from mlspec.contracts import published, reading
from mlspec.diagnostics import SpecError

FOLDER = Path(published.__file__).parent
REFUSED = Path(__file__).parent / "refused"
TEXTS = (
    "title",
    "description",
    "examples",
    "example",
    "default",
    "$comment",
    "context",
    "deprecated",
    "propertyOrder",
    "notes",
)


def reduced(part: Any, *, names: bool = False) -> Any:
    """A schema without texts; ``names``: the keys are names of properties."""
    if isinstance(part, list):
        return [reduced(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        key: reduced(value, names=not names and key in ("properties", "$defs", "definitions"))
        for key, value in part.items()
        if names or key not in TEXTS
    }


def test_the_one_of_open_data_contracts_is_the_published_one_with_one_correction() -> None:
    made = reduced(json.loads((Path(standard.__file__).parent / "schema.json").read_text()))
    # As published, a column without a logicalType counts as a map, and lacks the key that a map needs.
    forms = made["$defs"]["SchemaBaseProperty"]["allOf"]
    maps = [one for one in forms if "map" in one.get("then", {}).get("required", ())]
    maps[0]["if"]["required"] = ["logicalType"]
    file = FOLDER / "open-data-contract-3.2.0.json"
    if os.environ.get("MLSPEC_UPDATE"):
        file.write_text(json.dumps(made, indent=1) + "\n")
    assert json.loads(file.read_text()) == made


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_each_is_a_schema_that_needs_nothing_from_elsewhere(path: Path) -> None:
    schema = json.loads(path.read_text())
    jsonschema.validators.validator_for(schema).check_schema(schema)
    assert '"$ref": "#/' in json.dumps(schema) or '"$ref"' not in json.dumps(schema)
    assert path.name in (FOLDER / "ORIGIN.md").read_text()


@pytest.mark.parametrize("name", ["odcs.yaml", "frictionless.json"])
def test_what_a_standard_does_not_allow_is_shown_at_its_place(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(REFUSED)
    assert main(["contract", "import", name]) == 2
    told, golden = capsys.readouterr(), (REFUSED / name).with_suffix(".txt")
    if os.environ.get("MLSPEC_UPDATE"):
        golden.write_text(told.err)
    assert (told.out, told.err) == ("", golden.read_text())


def test_a_column_without_a_logical_type_is_allowed() -> None:
    head = {"kind": "DataContract", "apiVersion": "v3.1.0", "id": "a", "version": "1", "status": "active"}
    tables = [{"name": "t", "properties": [{"name": "x", "physicalType": "text", "required": True}]}]
    found = reading.read(json.dumps({**head, "schema": tables}).encode(), "c.json")
    assert found.expect == ({"column": "x", "missing": {"at_most": 0}},)


def test_json_that_is_no_yaml_is_checked_too() -> None:
    # A key of more than 1,024 characters: no reader of YAML takes it.
    fields = [{"name": "a", "type": "string", "constraints": {"required": "yes"}, "x" * 2000: 1}]
    with pytest.raises(SpecError) as caught:
        reading.read(json.dumps({"fields": fields}).encode(), "table.json")
    assert [one.message for one in caught.value.diagnostics] == [
        "'fields.0.constraints.required' must be true or false"
    ]
