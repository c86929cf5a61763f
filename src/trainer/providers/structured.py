"""Answers that fit a JSON Schema: asked for natively or in words, checked, and asked for once more if they do not."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from trainer.core.digest import pretty
from trainer.core.errors import ConversionError, ProviderError, TrainerError, UsageError
from trainer.core.values import CompletionResult, Json
from trainer.providers.answers import summed
from trainer.providers.request import Request

Extract = Callable[[str, Mapping[str, Json]], Json]
"""Finds the JSON in a model's answer that fits a schema; raises ValueError or ConversionError where there is none."""

_MOST_PROBLEMS = 10
_WORDS = (
    "Answer with one JSON value that fits this JSON Schema, and with nothing before or after it:\n\n"
    "```json\n{schema}```"
)
_AGAIN = (
    "Your previous answer to this was:\n\n{answer}\n\nIt cannot be used:\n{problems}\n\n"
    "Answer again, with the whole corrected JSON value and nothing else."
)
_NO_SCHEMAS = frozenset({"const", "default", "enum", "examples"})
"""Keywords whose values are data, whatever they look like."""


def check_schema(schema: Mapping[str, Json]) -> None:
    """Raise UsageError where `schema` is no JSON Schema that can be used: before anything is sent and paid."""
    import jsonschema
    import referencing
    import referencing.exceptions
    import referencing.jsonschema

    try:
        jsonschema.validators.validator_for(schema).check_schema(dict(schema))
    except jsonschema.SchemaError as error:
        raise UsageError(f"not a JSON Schema: at {error.json_path}: {error.message}") from None
    root = referencing.Resource.from_contents(schema, default_specification=referencing.jsonschema.DRAFT202012)
    resolver = referencing.Registry().resolver_with_root(root)
    for keyword, value in _checked_keywords(schema):
        try:
            if keyword == "$ref":
                resolver.lookup(value)
            else:
                re.compile(value)
        except referencing.exceptions.Unresolvable:
            raise _unresolvable(value) from None
        except re.error as error:
            raise UsageError(f"the JSON Schema has a pattern that is none: {value}: {error}") from None
    try:
        problems_of(None, schema)
    except RecursionError:
        raise UsageError(
            "the JSON Schema refers to itself in a circle", hint="let each $ref lead to a schema that says something"
        ) from None


def problems_of(value: Json, schema: Mapping[str, Json]) -> list[str]:
    """What keeps `value` from fitting `schema`, each with its path; references are not fetched."""
    import jsonschema
    import referencing

    kind: Any = jsonschema.validators.validator_for(schema)
    errors = kind(schema, registry=referencing.Registry(), format_checker=kind.FORMAT_CHECKER).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in sorted(errors, key=lambda error: error.json_path)]


def in_words(request: Request, schema: Mapping[str, Json]) -> Request:
    """The request with the schema said in words, for a model that takes none."""
    return dataclasses.replace(request.with_more(_WORDS.format(schema=pretty(schema))), schema=None)


async def structured(
    request: Request, extract: Extract, send: Callable[[Request], Awaitable[CompletionResult]]
) -> CompletionResult:
    """The answer with its value in the metadata under `json`; asked once more, in words, where it does not fit.

    A server that ignores response formats has not told its model the schema, so the second request does.
    """
    assert request.schema is not None
    first = await send(request)
    value, problems = _read(first.content, request.schema, extract)
    if not problems:
        return _with_value(first, value, ())
    listed = "\n".join(f"- {problem}" for problem in problems[:_MOST_PROBLEMS])
    again = in_words(request, request.schema).with_more(_AGAIN.format(answer=first.content, problems=listed))
    try:
        second = await send(again)
    except TrainerError as error:
        error.answer = summed([first, error.answer] if isinstance(error.answer, CompletionResult) else [first])
        if isinstance(error, ProviderError):
            error.attempts = (*first.attempts, *error.attempts)
        raise
    value, remaining = _read(second.content, request.schema, extract)
    both = summed([first, second])
    if remaining:
        unfit = ProviderError(
            f"the answer of {second.model} does not fit the schema, also when asked again: {'; '.join(remaining[:3])}",
            kind="bad_request",
            hint="make the schema simpler, or use a larger model",
        )
        unfit.attempts, unfit.answer = both.attempts, both
        raise unfit
    return _with_value(both, value, problems)


def _read(content: str, schema: Mapping[str, Json], extract: Extract) -> tuple[Json, list[str]]:
    """The JSON value in an answer, and what is wrong with it."""
    try:
        value = extract(content, schema)
    except (ValueError, ConversionError) as error:
        return None, [f"it holds no JSON: {error}"]
    return value, problems_of(value, schema)


def _checked_keywords(schema: Json) -> Iterator[tuple[str, str]]:
    """Each reference and each pattern in a schema."""
    if isinstance(schema, Mapping):
        for keyword, value in schema.items():
            if keyword in ("$ref", "$dynamicRef", "pattern") and isinstance(value, str):
                yield "$ref" if keyword != "pattern" else "pattern", value
            elif keyword == "patternProperties" and isinstance(value, Mapping):
                yield from (("pattern", pattern) for pattern in value)
                yield from _checked_keywords(list(value.values()))
            elif keyword in ("properties", "$defs", "definitions", "dependentSchemas") and isinstance(value, Mapping):
                yield from _checked_keywords(list(value.values()))
            elif keyword not in _NO_SCHEMAS:
                yield from _checked_keywords(value)
    elif isinstance(schema, list | tuple):
        for inner in schema:
            yield from _checked_keywords(inner)


def _unresolvable(reference: str) -> UsageError:
    if reference.startswith("#"):
        return UsageError(
            f"the JSON Schema refers to {reference}, and there is nothing",
            hint="define it under $defs, or mend the name",
        )
    return UsageError(
        f"the JSON Schema refers to {reference}, which is not fetched",
        hint="copy what it refers to under $defs, and refer to it as #/$defs/name",
    )


def _with_value(result: CompletionResult, value: Json, problems: Sequence[str]) -> CompletionResult:
    """The result with its value; what was wrong with a first answer is recorded as `asked_again`."""
    metadata = {**result.metadata, "json": value}
    if problems:
        metadata["asked_again"] = list(problems[:_MOST_PROBLEMS])
    return dataclasses.replace(result, metadata=metadata)
