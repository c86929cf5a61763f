"""What the cells of a column mean: account numbers, securities, addresses; by check digits where there are any."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from ipaddress import ip_address

from trainer.core.yamltext import load_yaml
from trainer.facts import name_words

_SHARE = 0.95
"""Of the different cells that must be valid; real columns of codes hold a few that were mistyped."""
_MOST = 2_000
"""Different cells that are looked at: check digits cost 20 µs a cell, and by chance 1 in 10 is right."""
_DECIMAL = re.compile(r"-?\d+\.\d+")
_FEWEST = 3
"""Cells whose check digits must be right where the name does not help: three by chance are 1 in 1,000."""


@dataclass(frozen=True, slots=True)
class SemanticType:
    """One kind of meaning."""

    name: str
    pattern: re.Pattern[str]
    names: frozenset[str]
    """Folded names of columns that have it."""
    is_code: bool
    """Whether its cells are never numbers."""
    needs_name: bool
    """Whether the shape alone does not tell."""
    is_valid: Callable[[str], bool]
    has_digits: bool
    """Whether check digits decide."""


def semantic_of(name: str, cells: Sequence[str]) -> SemanticType | None:
    """What the cells of the column `name` are; None where they are nothing of the table.

    >>> semantic_of("account", ["DE89370400440532013000", "GB82WEST12345698765432"]).name
    'iban'
    """
    different = list(dict.fromkeys(cell.strip() for cell in cells if cell.strip()))[:_MOST]
    if not different:
        return None
    folded = " ".join(name_words(name))
    by_shape = None
    for kind in semantic_types().values():
        is_named = folded in kind.names or any(folded.endswith(f" {word}") for word in kind.names)
        if kind.needs_name and not is_named:
            continue
        if kind.needs_name and kind.name != "version" and all(_DECIMAL.fullmatch(cell) for cell in different):
            continue  # measured, whatever the name: a lot of land, what is on an account
        if not all(kind.pattern.fullmatch(cell) for cell in different[:20]) and not (
            is_named and kind.is_code and not kind.has_digits and _mostly(kind, different)
        ):
            continue
        if kind.has_digits and not is_named and (len(different) < _FEWEST or kind.name in ("barcode", "ip")):
            continue
        valid = sum(kind.pattern.fullmatch(cell) is not None and kind.is_valid(cell) for cell in different)
        if valid >= _SHARE * len(different):
            if is_named:
                return kind
            by_shape = by_shape or kind
    return by_shape


def _mostly(kind: SemanticType, cells: Sequence[str]) -> bool:
    return sum(kind.pattern.fullmatch(cell) is not None for cell in cells[:200]) >= _SHARE * len(cells[:200])


@cache
def semantic_types() -> dict[str, SemanticType]:
    """All kinds by name, in the order in which they are tried."""
    text = resources.files("trainer.ingest").joinpath("semantics.yaml").read_text(encoding="utf-8")
    table = load_yaml(text, shown="semantics.yaml").value
    return {
        name: SemanticType(
            name, re.compile(entry["pattern"], re.IGNORECASE if entry.get("named") else 0),
            frozenset(" ".join(name_words(str(word))) for word in entry["names"]), bool(entry.get("code")),
            bool(entry.get("named")), _check(str(entry.get("check", ""))), "check" in entry,
        )
        for name, entry in table.items()
    }  # fmt: skip


def _check(name: str) -> Callable[[str], bool]:
    """The test of check digits by the name of its module in `stdnum`, loaded on first use."""
    if not name:
        return lambda _: True
    if name == "ip":
        return _is_ip
    if name == "currency":
        return _is_currency
    return lambda cell: bool(import_module(f"stdnum.{name}").is_valid(cell))


def _is_ip(cell: str) -> bool:
    try:
        ip_address(cell)
    except ValueError:
        return False
    return True


@cache
def _is_currency(cell: str) -> bool:
    from trainer.facts import parse_unit

    return any(unit.kind == "money" and unit.symbol == cell for unit in parse_unit(cell))
