"""No pattern of any room repeats what repeats already: on texts made for it such a one never ends."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from functools import partial
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import trainer
from trainer.catalog import filling
from trainer.checks import numerals, opinion, structure, view
from trainer.convert.jsontext import extract
from trainer.convert.readers import rtf
from trainer.core.errors import MissingExtra
from trainer.draft import wording
from trainer.facts import roles
from trainer.ingest import extract as ingested
from trainer.sources import edgar_document

_MANY = 1_000
"""Repetitions from which on a bounded one counts as unbounded."""


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Every pattern that stands in a module of any room."""
    for module in pkgutil.walk_packages(trainer.__path__, "trainer."):
        if module.name.endswith((".__main__", ".pdf.printer", ".pdf.fonts", ".pdf.worker", ".streams.pulsar")):
            continue  # they load WeasyPrint, and read nothing but its log; Pulsar's client must come before DuckDB
        try:
            members = vars(importlib.import_module(module.name))
        except (MissingExtra, ModuleNotFoundError):
            continue
        for name, value in members.items():
            values = (
                value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else (value,)
            )
            yield from ((f"{module.name}.{name}", item) for item in values if isinstance(item, re.Pattern))


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


def test_no_repetition_repeats():
    bad = [name for name, pattern in patterns() if repeats_itself(parser.parse(pattern.pattern, pattern.flags))]
    assert bad == []


@pytest.mark.parametrize("run", [" ", "   ", " *", "_ ", "| ", "\t", "a ", "a   b"])
def test_a_label_before_a_long_run_is_read_in_linear_time(run):
    started = time.process_time()
    filling._labelled_lines("Name" + run * (100_000 // len(run)))

    assert time.process_time() - started < 5  # 400 spaces took nine seconds


def everywhere(pattern: re.Pattern[Any], text: str) -> None:
    for _ in pattern.finditer(text):
        pass


@pytest.mark.parametrize(
    ("search", "text"),
    [
        (partial(everywhere, numerals._WEB), "a"),
        (partial(everywhere, numerals._WEB), "123."),
        (partial(everywhere, structure._PLACEHOLDER), "{"),
        (partial(everywhere, structure._PLACEHOLDER), "{%"),
        (opinion._entries, "["),
        (partial(everywhere, extract._GLUED), "`"),
        (partial(everywhere, ingested._HEADING), "# "),
        (rtf._levels, b"{\\stylesheet{\\s1 a "),
        (lambda text: rtf._levels(b"{\\stylesheet{\\s1" + text), b" a*"),
        (partial(everywhere, edgar_document._HIDDEN), b"<ix:header "),
        (roles._IDENTIFIER.fullmatch, "@"),
        (roles._IDENTIFIER.fullmatch, "a@b."),
        (lambda text: wording.short_name(f"a{text}a"), " "),
        (lambda text: list(view._aliases([f"a{text}a"])), ", "),
    ],
)
def test_what_is_searched_for_in_answers_takes_linear_time(search, text):
    started = time.process_time()
    search(text * 50_000)

    assert time.process_time() - started < 2  # each took a minute and more
