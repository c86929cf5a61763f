"""Answers that fit a JSON Schema: asked for natively or in words, checked, and asked for once more if they do not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

from trainer.core.digest import pretty
from trainer.core.errors import ConversionError, ProviderError, UsageError
from trainer.core.values import CompletionResult, Json, Prompt
from trainer.providers.base import LLMProvider

Extract = Callable[[str], Json]
"""Finds the JSON in a model's answer; raises ValueError or ConversionError where there is none."""

_MOST_PROBLEMS = 10
_WORDS = (
    "Answer with one JSON value that fits this JSON Schema, and with nothing before or after it:\n\n"
    "```json\n{schema}```"
)
_AGAIN = (
    "Your previous answer to this was:\n\n{answer}\n\nIt cannot be used:\n{problems}\n\n"
    "Answer again, with the whole corrected JSON value and nothing else."
)


def check_schema(schema: Mapping[str, Json]) -> None:
    """Raise UsageError where `schema` is not itself a JSON Schema, or refers to another one."""
    import jsonschema

    try:
        jsonschema.validators.validator_for(schema).check_schema(dict(schema))
    except jsonschema.SchemaError as error:
        raise UsageError(f"not a JSON Schema: at {error.json_path}: {error.message}") from None
    for reference in _references(schema):
        if not reference.startswith("#"):
            raise UsageError(
                f"the JSON Schema refers to {reference}, which is not fetched",
                hint="copy what it refers to under $defs, and refer to it as #/$defs/name",
            )


def problems_of(value: Json, schema: Mapping[str, Json]) -> list[str]:
    """What keeps `value` from fitting `schema`, each with its path; references are not fetched."""
    import jsonschema
    import referencing

    kind: Any = jsonschema.validators.validator_for(schema)
    errors = kind(schema, registry=referencing.Registry(), format_checker=kind.FORMAT_CHECKER).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in sorted(errors, key=lambda error: error.json_path)]


def read_answer(content: str, schema: Mapping[str, Json], extract: Extract) -> tuple[Json, list[str]]:
    """The JSON value in an answer, and what is wrong with it."""
    try:
        value = extract(content)
    except (ValueError, ConversionError) as error:
        return None, [f"it holds no JSON: {error}"]
    return value, problems_of(value, schema)


def in_words(prompt: str | Prompt, schema: Mapping[str, Json]) -> str | Prompt:
    """The prompt with the schema said in words, for a model that takes none."""
    return _with_more(prompt, _WORDS.format(schema=pretty(schema)))


def asked_again(prompt: str | Prompt, answer: str, problems: Sequence[str]) -> str | Prompt:
    """The prompt with the answer that could not be used, and why."""
    listed = "\n".join(f"- {problem}" for problem in problems[:_MOST_PROBLEMS])
    return _with_more(prompt, _AGAIN.format(answer=answer, problems=listed))


def takes_schema(provider: LLMProvider) -> bool:
    """Whether the provider hands a JSON Schema to its model."""
    return bool(getattr(provider, "native_schema", False))


def structured_steps(
    prompt: str | Prompt,
    schema: Mapping[str, Json],
    extract: Extract,
    complete: Callable[[str | Prompt], Generator[Any, Any, CompletionResult]],
) -> Generator[Any, Any, CompletionResult]:
    """The steps of a structured completion; its value is in the result's metadata under `json`."""
    first = yield from complete(prompt)
    value, problems = read_answer(first.content, schema, extract)
    if not problems:
        return _with_value(first, value, ())
    second = yield from complete(asked_again(prompt, first.content, problems))
    value, remaining = read_answer(second.content, schema, extract)
    both = _sum(first, second)
    if remaining:
        error = ProviderError(
            f"the answer of {second.model} does not fit the schema, also when asked again: {'; '.join(remaining[:3])}",
            kind="bad_request",
            hint="make the schema simpler, or use a larger model",
        )
        error.attempts = both.attempts
        raise error
    return _with_value(both, value, problems)


def _references(schema: Json) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference
        for inner in schema.values():
            yield from _references(inner)
    elif isinstance(schema, list | tuple):
        for inner in schema:
            yield from _references(inner)


def _with_value(result: CompletionResult, value: Json, problems: Sequence[str]) -> CompletionResult:
    """The result with its value; what was wrong with a first answer is recorded as `asked_again`."""
    metadata = {**result.metadata, "json": value}
    if problems:
        metadata["asked_again"] = list(problems[:_MOST_PROBLEMS])
    return dataclasses.replace(result, metadata=metadata)


def _sum(first: CompletionResult, second: CompletionResult) -> CompletionResult:
    """The second answer with the tokens, cost and attempts of both."""
    known = first.cost is not None and second.cost is not None
    return dataclasses.replace(
        second,
        tokens_used=first.tokens_used + second.tokens_used,
        tokens_in=first.tokens_in + second.tokens_in,
        tokens_out=first.tokens_out + second.tokens_out,
        tokens_estimated=first.tokens_estimated or second.tokens_estimated,
        cost=(first.cost or 0.0) + (second.cost or 0.0) if known else None,
        origin="fresh" if "fresh" in (first.origin, second.origin) else second.origin,
        attempts=(*first.attempts, *second.attempts),
        model_asked=first.model_asked,
    )


def _with_more(prompt: str | Prompt, more: str) -> str | Prompt:
    if isinstance(prompt, str):
        return f"{prompt}\n\n{more}"
    return dataclasses.replace(prompt, text=f"{prompt.text}\n\n{more}")
