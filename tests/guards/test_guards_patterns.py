"""No pattern of the converter repeats what repeats already: on texts made for it such a one never ends."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import trainer.convert
import trainer.core.markdown

_MANY = 1_000
"""Repetitions from which on a bounded one counts as unbounded."""


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Every pattern that stands in a module of the rooms that read what others wrote."""
    for package in (trainer.convert, trainer.core.markdown):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith((".pdf.printer", ".pdf.fonts", ".pdf.worker")):
                continue  # they load WeasyPrint, and read nothing but its log
            for name, value in vars(importlib.import_module(found.name)).items():
                values = value if isinstance(value, tuple | list) else (value,)
                yield from ((f"{found.name}.{name}", item) for item in values if isinstance(item, re.Pattern))


def repeats_itself(tree: Any, *, inside: bool = False) -> bool:
    """Whether an unbounded repetition that may give back stands right inside another, with nothing else to hold it."""
    for operation, argument in tree:
        if operation in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            _, most, repeated = argument
            unbounded = most >= _MANY
            if unbounded and inside and len(tree) == 1:
                return True
            if repeats_itself(repeated, inside=unbounded or inside):
                return True
        elif operation is codes.SUBPATTERN:
            if repeats_itself(argument[3], inside=inside and len(tree) == 1):
                return True
        elif operation is codes.BRANCH and any(repeats_itself(branch, inside=inside) for branch in argument[1]):
            return True
    return False


def test_the_checker_knows_a_bad_pattern():
    assert repeats_itself(parser.parse(r"(a+)+b"))
    assert repeats_itself(parser.parse(r"(?:x|a*)*b"))
    assert not repeats_itself(parser.parse(r"(?:a+,)+b"))


@pytest.mark.parametrize(("name", "pattern"), list(patterns()), ids=lambda value: str(value)[:80])
def test_no_repetition_repeats(name, pattern):
    assert not repeats_itself(parser.parse(pattern.pattern, pattern.flags)), name
