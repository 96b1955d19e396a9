"""Does an answer have the shape that was asked for? The part of JSON Schema that our answers use.

Only OpenAI enforces a schema itself, so every answer is checked here, whoever gave it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
# Limits that not every model's strict mode accepts: they are checked here and not sent.
_LOCAL_ONLY: Final = frozenset({"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"})


@dataclass(frozen=True, slots=True)
class ResponseSchema:
    """A JSON Schema and the top-level keys that an answer may leave out although strict mode wants them listed."""

    name: str
    schema: Mapping[str, Any]
    may_be_missing: frozenset[str] = frozenset()

    def on_the_wire(self) -> Any:
        """The schema as strict modes accept it."""
        return _without_limits(self.schema)

    def faults(self, answer: Any) -> list[str]:
        """What is wrong with ``answer``, in words without its content; empty when nothing is."""
        lenient = dict(self.schema)
        lenient["required"] = [
            key for key in self.schema.get("required", ()) if key not in self.may_be_missing
        ]
        return _faults(answer, lenient, "answer")


def as_schema(schema: "ResponseSchema | Mapping[str, Any] | None") -> ResponseSchema | None:
    """Accept a bare JSON Schema where a ResponseSchema is meant."""
    if schema is None or isinstance(schema, ResponseSchema):
        return schema
    return ResponseSchema("answer", schema)


def _without_limits(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        return {key: _without_limits(value) for key, value in schema.items() if key not in _LOCAL_ONLY}
    if isinstance(schema, list):
        return [_without_limits(item) for item in schema]
    return schema


def _faults(value: Any, schema: Mapping[str, Any], where: str) -> list[str]:
    if not _has_type(value, schema.get("type")):
        return [f"{where} is {_type_name(value)}, not {schema['type']}"]
    faults = []
    if "enum" in schema and value not in schema["enum"]:
        faults.append(f"{where} is none of {', '.join(map(str, schema['enum']))}")
    if isinstance(value, dict):
        faults += _object_faults(value, schema, where)
    elif isinstance(value, list):
        faults += _length_faults(len(value), schema, where, "Items")
        for index, item in enumerate(value):
            faults += _faults(item, schema.get("items", {}), f"{where}[{index}]")
    elif isinstance(value, str):
        faults += _length_faults(len(value), schema, where, "Length")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        faults += _range_faults(value, schema, where)
    return faults


def _object_faults(value: dict[str, Any], schema: Mapping[str, Any], where: str) -> list[str]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    faults = [f"{where} lacks {key}" for key in schema.get("required", ()) if key not in value]
    for key, part in properties.items():
        if key in value:
            faults += _faults(value[key], part, f"{where}.{key}")
    return faults


def _has_type(value: Any, wanted: Any) -> bool:
    if wanted is None:
        return True
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    if isinstance(value, bool):
        return "boolean" in names
    return any(isinstance(value, _TYPES[name]) for name in names if name in _TYPES)


def _type_name(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return next((name for name, types in _TYPES.items() if isinstance(value, types)), "unknown")


def _length_faults(length: int, schema: Mapping[str, Any], where: str, kind: str) -> list[str]:
    if length > schema.get(f"max{kind}", length):
        return [f"{where} is too long"]
    if length < schema.get(f"min{kind}", length):
        return [f"{where} is too short"]
    return []


def _range_faults(value: float, schema: Mapping[str, Any], where: str) -> list[str]:
    # written so that NaN, which compares false with everything, is a fault
    if not (schema.get("minimum", float("-inf")) <= value <= schema.get("maximum", float("inf"))):
        return [f"{where} is out of range"]
    return []
