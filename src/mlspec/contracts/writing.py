"""Writes what a spec expects of its data as a contract of another tool."""

from collections.abc import Mapping
from pathlib import Path

from mlspec.contracts import croissant, great_expectations, odcs, pandera
from mlspec.contracts.contract import Contract, Field, atoms, check_of, show
from mlspec.plugins.base import Schema
from mlspec.spec import Project

FORMS = ("odcs", "croissant", "pandera", "great_expectations")


def contract(project: Project, columns: Schema) -> Contract:
    """The contract of a project's rows, whose columns are these; what is expected of single sources is not of them."""
    personal = project.data.personal
    fields = tuple(
        Field(
            name=column.name,
            type=column.type if column.type != "code" else "integer",
            personal=personal[column.name].kind if column.name in personal else None,
        )
        for column in columns
    )
    found = atoms(project.data.expect)
    kinds = {column.name: column.type for column in columns}
    # What holds of the type of a column is said by the column.
    kept = [one for one in found if not (check_of(one)[0] == "type" and check_of(one)[1] == kinds.get(one["column"]))]
    return Contract(
        format="mlspec",
        name=project.project.name,
        description=project.project.goal or "",
        license=project.project.license or "",
        fields=fields,
        expect=tuple(kept),
    )


def write(made: Contract, form: str, files: Mapping[str, Path], root: Path) -> str:
    """The contract in one of ``FORMS``; ``files`` are the sources that are in ``root``. Raises OSError as Croissant's
    digests may."""
    if form == "croissant":
        return croissant.write(made, files, root)
    forms = {"odcs": odcs, "pandera": pandera, "great_expectations": great_expectations}
    return forms[form].write(made)  # type: ignore[no-any-return]


def lacking(made: Contract, form: str) -> list[str]:
    """The expectations that a form has no words for and does not carry in any other way."""
    if form == "odcs":
        return []
    from mlspec.contracts import reading

    if form == "croissant":
        return [show(one) for one in made.expect if check_of(one)[0] != "unique"]
    again = reading.read(write(made, form, {}, Path()).encode(), form)
    return [show(one) for one in made.expect if one not in atoms_of(again)]


def atoms_of(made: Contract) -> list[dict[str, object]]:
    """The expectations of a contract that was read."""
    return [dict(one) for one in made.expect]
