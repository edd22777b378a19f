"""Croissant (MLCommons): JSON-LD that describes a dataset, its files and the fields of its records."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlspec.contracts.contract import Contract, Field, Reading, check_of, listing, mapping, show, text
from mlspec.machine import file_digests
from mlspec.plugins.base import ColumnType

NAME = "Croissant"
KINDS: dict[str, ColumnType] = {
    "Integer": "integer", "Float": "number", "Number": "number", "Boolean": "boolean", "Text": "category",
    "Date": "date", "DateTime": "datetime", "Enumeration": "category", "URL": "category",
    **{f"{sign}Int{size}": "integer" for sign in ("", "U") for size in (8, 16, 32, 64)},
    **{f"Float{size}": "number" for size in (16, 32, 64)},
}  # fmt: skip
WRITTEN = {
    "category": "sc:Text",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "date": "sc:Date",
    "datetime": "sc:DateTime",
}
MEDIA = {".csv": "text/csv", ".tsv": "text/tab-separated-values", ".parquet": "application/x-parquet",
         ".jsonl": "application/jsonlines", ".json": "application/json",
         ".arrow": "application/vnd.apache.arrow.file"}  # fmt: skip
CONTEXT = {
    "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/", "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract",
    "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet",
    "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath",
    "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path", "recordSet": "cr:recordSet",
    "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/", "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField",
    "transform": "cr:transform",
}  # fmt: skip
SAID = ("@type", "@id", "name", "description", "dataType", "source", "repeated", "references")


def fits(data: Mapping[str, Any]) -> bool:
    """Whether a document is such a description."""
    return "recordSet" in data and ("@context" in data or "@type" in data)


def read(data: Mapping[str, Any]) -> Contract:
    """The fields of its record set; of several, of the first that takes its values from columns."""
    found = Reading()
    sets = [mapping(one) for one in listing(data["recordSet"])]
    own = next((one for one in sets if _columns(one)), sets[0] if sets else {})
    for other in sets:
        if other is not own:
            found.lacks(f"recordSet {show(_name(other))}: a description is read as one table, the first of columns")
    for one in listing(own.get("field")):
        given = mapping(one)
        name = _column(given) or _name(given)
        if not name:
            continue
        said = given.get("dataType")
        kinds = [
            KINDS.get(text(t).rpartition(":")[2].rpartition("/")[2])
            for t in ([said] if isinstance(said, str) else listing(said))
        ]
        kind = next((one for one in kinds if one is not None), None)
        if said and (kind is None or given.get("repeated") is True):
            found.lacks(f"{name}: a field of dataType {show(said)}" + (", repeated" if given.get("repeated") else ""))
            kind = None
        if given.get("references"):
            found.lacks(f"{name}: references {show(given['references'])}: say it as refers_to")
        found.rest(name, given, SAID)
        found.fields[name] = Field(name=name, type=kind, description=text(given.get("description")))
    key = own.get("key")
    keys = [_name(mapping(one)) for one in ([key] if isinstance(key, dict) else listing(key))]
    keys = [one.rpartition("/")[2] for one in keys if one]
    if keys and set(keys) <= set(found.fields):
        found.add({"columns": keys} if len(keys) > 1 else {"column": keys[0]}, unique=True)
    for thing in listing(data.get("distribution")):
        where = text(mapping(thing).get("contentUrl")) or text(mapping(thing).get("includes"))
        if where:
            found.lacks(f"the file {show(where)}: say it as data.sources")
    version = text(data.get("conformsTo")).rpartition("/")[2]
    return found.done(f"{NAME} {version}".strip(), data.get("name"), data.get("description"))


def _columns(records: Mapping[str, Any]) -> bool:
    return any(_column(mapping(one)) for one in listing(records.get("field")))


def _column(field: Mapping[str, Any]) -> str:
    return text(mapping(mapping(field.get("source")).get("extract")).get("column"))


def _name(given: Mapping[str, Any]) -> str:
    return text(given.get("name")) or text(given.get("@id")).rpartition("/")[2]


def write(contract: Contract, files: Mapping[str, Path], root: Path) -> str:
    """The description as JSON-LD, with the digest of each file beside the spec, by source. Croissant describes and
    checks nothing: what is expected is in the description as text.

    Raises OSError where a file can't be read.
    """
    import json

    distribution, tables = [], []
    for name, path in files.items():
        # Readers recognise a compressed table by its content, and want to know what is in it.
        media = MEDIA.get((path.with_suffix("") if path.suffix == ".gz" else path).suffix)
        tables += [name] if media is not None else []
        distribution.append(
            {
                "@type": "cr:FileObject",
                "@id": f"files/{name}",
                "name": name,
                "contentUrl": path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name,
                "encodingFormat": media or ("application/zip" if path.suffix == ".zip" else "application/octet-stream"),
                "sha256": file_digests.hash_file(path),
            }
        )
    # A field must have a source: the first table, else the first file.
    first = next((f"files/{name}" for name in (*tables, *files)), "")
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"rows/{field.name}",
            "name": field.name,
            **({"description": field.description} if field.description else {}),
            **({"dataType": WRITTEN[field.type]} if field.type in WRITTEN else {}),
            **({"source": {"fileObject": {"@id": first}, "extract": {"column": field.name}}} if first else {}),
        }
        for field in contract.fields
    ]
    records: dict[str, Any] = {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": fields}
    message = []
    for atom in contract.expect:
        check, _asked = check_of(atom)
        named = atom.get("columns") or [atom.get("column", "")]
        if check == "unique" and set(atom) <= {"column", "columns", "unique"} and "key" not in records:
            records["key"] = [{"@id": f"rows/{name}"} for name in named]
        else:
            message.append(show(atom))
    description = contract.description or contract.name
    expected = f" Expected: {'; '.join(message)}." if message else ""
    made = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": contract.name,
        "description": description + expected,
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "version": "1.0.0",
        **({"license": contract.license} if contract.license else {}),
        "distribution": distribution,
        "recordSet": [records],
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"
