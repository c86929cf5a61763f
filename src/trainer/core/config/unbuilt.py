"""Settings of the specification whose rooms are not built yet: accepted as its example has them, and told.

A value that asks for something else is refused: a limit or a switch that is accepted and not obeyed would deceive.
When a room is built, its lines go and it gets a struct in `schema`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

UNBUILT: Mapping[str, object] = {
    "data_etl.enabled": False,
    "data_etl.streaming.enabled": False,
    "data_etl.streaming.provider": "kafka",
    "data_etl.streaming.kafka_brokers": ["localhost:9092"],
    "data_etl.streaming.rabbitmq_url": "amqp://localhost:5672",
    "data_etl.batch.enabled": True,
    "data_etl.batch.scheduler": "apscheduler",
    "data_etl.batch.default_schedule": "0 9 * * *",
    "test_agent.enabled": True,
    "test_agent.coverage_threshold": 80,
    "test_agent.watch_mode": False,
    "test_agent.auto_generate_tests": True,
    "test_agent.test_framework": "pytest",
    "analytics.enabled": True,
    "analytics.data_store": "mongodb",
    "analytics.clustering_enabled": True,
    "analytics.suggestion_enabled": True,
    "analytics.dashboard_export": True,
    "vector_store.enabled": False,
    "vector_store.embedding_model": "sentence-transformers",
    "vector_store.embedding_model_name": "all-MiniLM-L6-v2",
    "vector_store.auto_embed": False,
    "vector_store.vector_search_backend": "mongodb",
    "vector_store.similarity_threshold": 0.7,
    "app_builder.enabled": False,
    "app_builder.mode": "template",
    "app_builder.min_pattern_frequency": 10,
    "app_builder.supported_frameworks": ["fastapi", "flask", "react"],
    "app_builder.auto_deploy": False,
}
"""By dotted key, the value of the specification's example."""


def take_unbuilt(tree: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Takes the settings that are not built out of a tree of settings; yields the path and value of each."""
    yield from _take(tree, (), frozenset(tuple(key.split(".")) for key in UNBUILT))


def is_as_specified(path: tuple[str, ...], value: object) -> bool:
    """Whether the value is the example's, however the environment or a flag spells it."""
    return str(value).lower() == str(UNBUILT[".".join(path)]).lower()


def add_unbuilt(schema: dict[str, Any]) -> None:
    """Adds the settings to a JSON Schema of all others, whose sections are `$defs` by the name of their struct."""
    for key in UNBUILT:
        *sections, name = key.split(".")
        place = schema
        for section in ("", *sections):
            if section:
                place = place["properties"].setdefault(section, {"type": "object", "properties": {}})
            # msgspec gives each struct once, and elsewhere a reference to it
            for reference in place.get("anyOf", [place]):
                place = schema["$defs"][reference["$ref"].rpartition("/")[2]] if "$ref" in reference else place
            place["additionalProperties"] = False
        place["properties"][name] = {"description": "Has no effect yet.", "const": UNBUILT[key]}


def _take(
    tree: dict[str, Any], path: tuple[str, ...], names: frozenset[tuple[str, ...]]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in list(tree):
        inside = (*path, name)
        if inside in names:
            yield inside, tree.pop(name)
        elif isinstance(tree[name], dict) and any(key[: len(inside)] == inside for key in names):
            yield from _take(tree[name], inside, names)
            if not tree[name]:
                del tree[name]
