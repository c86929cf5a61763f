"""Named sections of config.yaml as values: the connections of a database, and the questions it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from trainer.core.errors import Problem, unknown

T = TypeVar("T")


def named_sections(
    kind: type[T], sections: Mapping[str, Any] | None, what: str, problems: list[Problem]
) -> dict[str, T]:
    """Each section as a `kind`, by name, without those that are none: `problems` is told all that is wrong with them.

    `what` is where the sections stand: `connections`. A misspelt setting is told with the nearest name.
    """
    values: dict[str, T] = {}
    names = tuple(kind.__annotations__)
    for name, section in (sections or {}).items():
        if isinstance(section, Mapping):
            for key in [key for key in section if key not in names]:
                message, hint = unknown(f"setting in {what}.{name}", str(key), names)
                problems.append(Problem(message, hint=hint))
            section = {key: value for key, value in section.items() if key in names}  # noqa: PLW2901
        try:
            values[name] = msgspec.convert(section, kind)
        except msgspec.ValidationError as error:
            problems.append(Problem(f"{what}.{name}: {error}"))
    return values
