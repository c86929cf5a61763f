"""Whether and how well a value fits a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer.core.errors import ConversionError, Where
from trainer.core.values import Json

_MOST_FAULTS = 5

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None),
    "integer": int, "number": (int, float),
}  # fmt: skip


def check_fit(value: Json, schema: Mapping[str, Any] | None, *, shown: str) -> None:
    """Raise ConversionError with the place of each fault where the value does not fit the schema."""
    import jsonschema

    if schema is None:
        return
    kind: Any = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    faults = sorted(
        kind(schema, format_checker=kind.FORMAT_CHECKER).iter_errors(value), key=lambda fault: fault.json_path
    )
    if faults:
        listed = "; ".join(f"at {fault.json_path}: {fault.message[:200]}" for fault in faults[:_MOST_FAULTS])
        more = f" (and {len(faults) - _MOST_FAULTS} more)" if len(faults) > _MOST_FAULTS else ""
        raise ConversionError(f"does not fit the schema: {listed}{more}", where=Where(shown))


def fit(value: Json, schema: Mapping[str, Any]) -> float:
    """1.0 where the value is valid; else at most 0.9, by type and by the required and known keys it has."""
    from jsonschema import Draft202012Validator

    if Draft202012Validator(schema).is_valid(value):
        return 1.0
    wanted = schema.get("type")
    if isinstance(wanted, str) and wanted in _TYPES and not isinstance(value, _TYPES[wanted]):
        return 0.0
    if not isinstance(value, dict):
        return 0.3
    required = [key for key in schema.get("required", ()) if isinstance(key, str)]
    properties = list(schema.get("properties", {}))
    has = _share(required, value) if required else _share(properties, value)
    foreign = _share([key for key in value if key not in properties], value) * len(value) / (len(value) or 1)
    return round(0.3 + 0.5 * has + 0.1 * (1 - (foreign if properties else 0)), 3)


def _share(keys: list[str], value: Mapping[str, Json]) -> float:
    return sum(key in value for key in keys) / len(keys) if keys else 0.0
