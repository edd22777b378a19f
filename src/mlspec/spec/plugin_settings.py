"""What plug-ins of other distributions declare as their settings has to make a JSON Schema."""

from collections.abc import Iterator

import jsonschema

from mlspec import registry
from mlspec.diagnostics import Diagnostic
from mlspec.spec import schema


def faults() -> Iterator[Diagnostic]:
    """The plug-ins of other distributions whose settings make none, each with what is wrong."""
    for kind in registry.KINDS:
        for name, target in registry.foreign(kind).items():
            try:
                jsonschema.Draft202012Validator.check_schema(schema.settings(registry.plugin(kind, name)))
                continue
            except KeyError as error:
                wrong = f"a setting has a type that a spec can't state: {error.args[0]}"
            except jsonschema.SchemaError as error:
                wrong = error.message
            message = f"the settings of '{name}', one of the {kind} of another distribution, make no JSON Schema"
            yield Diagnostic(code="plugin-settings", message=message, label=wrong, notes=(f"offered as {target}",))
