"""What callers read: an OpenAPI document with the columns of the model and an example, and a page of the same."""

import html
import json
from collections.abc import Mapping
from typing import Any

from mlspec import __version__
from mlspec.serving.answering import Answering
from mlspec.steps.serving import answers

TYPES: Mapping[str, Mapping[str, Any]] = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "category": {"type": "string"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "image": {"type": "string", "contentEncoding": "base64"},
}
USUAL: Mapping[str, Any] = {
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "category": "text",
    "date": "2024-01-31",
    "datetime": "2024-01-31 10:00",
    "image": "",
}
STYLE = """body{font:16px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}
td,th{text-align:left;padding:.2em 1em .2em 0}
pre{background:#f4f4f4;padding:1em;overflow:auto}"""


def example(model: Answering) -> dict[str, Any]:
    """A row that the model answers."""
    usual = model.usual()
    return {name: usual.get(name, USUAL[kind]) for name, kind in model.fields.items()}


def document(model: Answering, *, max_rows: int, with_tokens: bool, with_feedback: bool = False) -> dict[str, Any]:
    """OpenAPI 3.1 of the service."""
    row = {"type": "object", "required": list(model.fields), "properties": _columns(model), "example": example(model)}
    rows = {"type": "array", "items": {"$ref": "#/components/schemas/Row"}, "minItems": 1, "maxItems": max_rows}
    asks = {"oneOf": [{"$ref": "#/components/schemas/Row"}, {"$ref": "#/components/schemas/Rows"}]}
    own = f"/v2/models/{model.name}"
    reads = {"200": _says("As the Open Inference Protocol has it.", {"type": "object"})}
    paths = {
        "/predict": {
            "post": {
                "summary": f"Predict {model.about.target} of a row, or of several.",
                "requestBody": {"required": True, "content": {"application/json": {"schema": asks}}},
                "responses": {
                    "200": _says("The answers, by row.", _answer(model)),
                    **_errors("Error"),
                },
            }
        },
        f"{own}/infer": {
            "post": {
                "summary": "The same in the Open Inference Protocol, version 2.",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Infer"}}},
                },
                "responses": {
                    "200": _says("The outputs.", {"$ref": "#/components/schemas/Inferred"}),
                    **_errors("ProtocolError"),
                },
            }
        },
        own: {"get": {"summary": "Inputs and outputs of the model.", "responses": reads}},
        "/v2": {"get": {"summary": "The server.", "responses": reads}},
        "/v2/health/live": {"get": {"summary": "Whether the server runs.", "responses": reads}},
        "/v2/health/ready": {"get": {"summary": "Whether requests should come here.", "responses": reads}},
        f"{own}/ready": {"get": {"summary": "The same of the model.", "responses": reads}},
    }
    components: dict[str, Any] = {"schemas": {"Row": row, "Rows": rows, **_schemas(model, max_rows)}}
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": model.name, "version": model.digest[:12], "x-mlspec": __version__},
        "paths": paths,
        "components": components,
    }
    if with_feedback:
        paths["/feedback"] = {"post": _feedback(model, max_rows)}
    if with_tokens:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


def page(model: Answering) -> str:
    """The same for people: one page that loads nothing."""
    columns = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td><td>{html.escape(kind)}</td></tr>"
        for name, kind in model.fields.items()
    )
    row = json.dumps(example(model), ensure_ascii=False, indent=1)
    said = ", ".join(map(str, model.about.classes)) if model.about.classes is not None else "a number"
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(model.name)}</title>
<style>{STYLE}</style><h1>{html.escape(model.name)}</h1>
<p>Predicts <code>{html.escape(model.about.target)}</code>: {html.escape(said)}. Model
<code>{model.digest[:12]}</code>. <a href="openapi.json">OpenAPI document</a>, <a href="metrics">metrics</a>.</p>
<h2>POST /predict</h2><p>A row, or an array of rows. Each field of a row has a value, or null where it is missing.</p>
<table><tr><th>field</th><th>type</th></tr>{columns}</table>
<pre>curl -s -H 'Content-Type: application/json' http://HOST:PORT/predict -d @- &lt;&lt;'ROW'
{html.escape(row)}
ROW</pre>
<h2>Open Inference Protocol</h2><p><code>POST /v2/models/{html.escape(model.name)}/infer</code>,
<code>GET /v2/models/{html.escape(model.name)}</code>, <code>GET /v2/health/ready</code>.</p></html>"""


def _columns(model: Answering) -> dict[str, Any]:
    found = {}
    for name, kind in model.fields.items():
        stated = dict(TYPES[kind])
        found[name] = {**stated, "type": [stated["type"], "null"]}
    return found


def _answer(model: Answering) -> dict[str, Any]:
    classes = model.about.classes
    one: dict[str, Any] = {"prediction": {"type": "number"}}
    if classes is not None:
        shares = {str(name): {"type": "number"} for name in classes}
        one = {"prediction": {}, "probabilities": {"type": "object", "properties": shares, "required": list(shares)}}
    required = list(one)
    if model.about.abstain_below is not None:
        one["to_person"] = {"type": "boolean", "description": "Whether a person should decide."}
        required.append("to_person")
    rows = {"type": "array", "items": {"type": "object", "properties": one, "required": required}}
    said = {
        "model": {"type": "string", "description": "SHA-256 of the model's package.json."},
        "request_id": {"type": "string"},
        "predictions": rows,
        "notes": {"type": "array", "items": {"type": "string"}, "description": "What is unusual about the rows."},
    }
    return {"type": "object", "properties": said, "required": ["model", "request_id", "predictions"]}


def _feedback(model: Answering, max_rows: int) -> dict[str, Any]:
    truth = {"type": "number"} if model.about.classes is None else {"enum": answers.labels(model.about)}
    label = {
        "type": "object",
        "properties": {
            "request_id": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"},
            "row": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1, "default": 0},
            "label": truth,
        },
        "required": ["request_id", "label"],
        "additionalProperties": False,
    }
    several = {"type": "array", "items": label, "minItems": 1, "maxItems": max_rows}
    accepted = {"type": "object", "properties": {"accepted": {"type": "integer"}}, "required": ["accepted"]}
    return {
        "summary": "The true outcome of a row of a request, or several.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"oneOf": [label, several]}}}},
        "responses": {"200": _says("How many were kept.", accepted), **_errors("Error")},
    }


def _schemas(model: Answering, max_rows: int) -> dict[str, Any]:
    cell = {
        "type": "object",
        "properties": {"row": {"type": "integer"}, "field": {"type": "string"}, "reason": {"type": "string"}},
        "required": ["row", "reason"],
    }
    said = {"code": {"type": "string"}, "message": {"type": "string"}, "request_id": {"type": "string"}}
    error = {"type": "object", "properties": {**said, "rows": {"type": "array", "items": cell}}, "required": ["code"]}
    tensor = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": max_rows}},
            "datatype": {"type": "string"},
            "data": {"type": "array", "items": {}},
        },
        "required": ["name", "shape", "datatype", "data"],
    }
    infer = {"id": {"type": "string"}, "inputs": {"type": "array", "items": tensor, "minItems": 1}}
    inferred = {"model_name": {"type": "string"}, "model_version": {"type": "string"}, "id": {"type": "string"}}
    sample = {
        "inputs": [
            {"name": name, "shape": [1], "datatype": kind, "data": [value]}
            for (name, value), kind in zip(example(model).items(), _datatypes(model), strict=True)
        ]
    }
    return {
        "Error": {"type": "object", "properties": {"error": error}, "required": ["error"]},
        "ProtocolError": {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]},
        "Infer": {"type": "object", "properties": infer, "required": ["inputs"], "example": sample},
        "Inferred": {
            "type": "object",
            "properties": {**inferred, "outputs": {"type": "array", "items": tensor}},
            "required": ["model_name", "outputs"],
        },
    }


def _datatypes(model: Answering) -> list[str]:
    from mlspec.serving.open_inference import OWN

    return [OWN.get(kind, "BYTES") for kind in model.fields.values()]


def _says(what: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": what, "content": {"application/json": {"schema": schema}}}


def _errors(schema: str) -> dict[str, Any]:
    said = {
        "400": "The body is no JSON, or no request.",
        "401": "There is no token, or another one.",
        "408": "The request takes too long to arrive.",
        "413": "The body is too large, or has too many rows.",
        "415": "The body is not application/json.",
        "422": "A row does not fit the model: its place, the field, and the reason.",
        "431": "The headers are too large.",
        "503": "Too many requests, or no answer in time; Retry-After says when to ask again.",
    }
    return {status: _says(what, {"$ref": f"#/components/schemas/{schema}"}) for status, what in said.items()}
