"""Rules as YAML: read with all problems of a file at once, and held against rows."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, get_args

import re2

from trainer.core.clock import parse_duration
from trainer.core.errors import Problem, UsageError, Where, unknown
from trainer.core.values import Json
from trainer.core.yamltext import load_yaml
from trainer.facts import name_words, read_number
from trainer.quality.values import CHECK_DIMENSIONS, RuleCheck, RuleResult, RuleSeverity, ValidationRule

PACKS = ("global", "finance", "biotech", "legal", "insurance", "manufacturing")
"""The packs of rules that come with the program."""
_MOST_ROWS = 20
"""Failing rows that a result names."""
_OPTIONS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "required": (frozenset(), frozenset()),
    "type": (frozenset(["type"]), frozenset()),
    "range": (frozenset(), frozenset(["min", "max"])),
    "pattern": (frozenset(), frozenset(["pattern", "semantic"])),
    "set": (frozenset(["values"]), frozenset()),
    "unique": (frozenset(), frozenset()),
    "reference": (frozenset(["table", "field"]), frozenset()),
    "compare": (frozenset(["operator"]), frozenset()),
    "freshness": (frozenset(["max_age"]), frozenset()),
}
"""What each check needs, and what else it may have."""
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, "=": operator.eq, "!=": operator.ne, ">=": operator.ge, ">": operator.gt,
}  # fmt: skip
_TYPES: Mapping[str, Callable[[Json], bool]] = {
    "text": lambda cell: isinstance(cell, str),
    "integer": lambda cell: isinstance(cell, int) and not isinstance(cell, bool),
    "number": lambda cell: number_of(cell) is not None,
    "boolean": lambda cell: isinstance(cell, bool),
    "date": lambda cell: day_of(cell) is not None,
}
_SEMANTICS = ("isin", "iban", "cusip", "lei", "bic", "luhn", "isbn", "ean")
"""Check digits that `semantic` may name, by the modules of `stdnum`."""
Lookup = Callable[[str, str], frozenset[Json]]
"""The values of a field of a table, for rules that refer to it."""


def read_pack(name: str) -> tuple[ValidationRule, ...]:
    """The rules of a pack that comes with the program; raises UsageError with the nearest name for an unknown one."""
    if name not in PACKS:
        message, hint = unknown("pack of rules", name, PACKS)
        raise UsageError(message, hint=hint)
    text = resources.files("trainer.quality").joinpath("packs", f"{name}.yaml").read_text(encoding="utf-8")
    return read_rules(text, shown=f"{name}.yaml", pack=name)


def read_rules(text: str, *, shown: str, pack: str = "") -> tuple[ValidationRule, ...]:
    """The rules of a YAML file, `rules:` and a list of them; raises UsageError with everything that is wrong.

    Example:
        - {id: amount, columns: [amount], check: range, min: 0, severity: critical}
    """
    document = load_yaml(text, shown=shown)
    value = document.value
    listed = value.get("rules") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        raise UsageError("rules are missing", where=Where(shown, 1), hint="write rules: and a list of them below it")
    problems: list[Problem] = []
    rules: list[ValidationRule] = []
    for number, entry in enumerate(listed):
        problems_of_entry = list(_problems(entry))
        problems += [
            Problem(f"rule {number + 1}: {what}", document.where("rules", number), hint)
            for what, hint in problems_of_entry
        ]
        if not problems_of_entry:
            options = {name: item for name, item in entry.items() if name not in _PLAIN}
            rules.append(
                ValidationRule(
                    str(entry["id"]), entry["check"], tuple(map(str, entry["columns"])),
                    entry.get("severity", "warning"), options, pack or shown,
                )
            )  # fmt: skip
    twice = [name for name, count in Counter(rule.id for rule in rules).items() if count > 1]
    problems += [Problem(f'the rule "{name}" stands twice', Where(shown)) for name in twice]
    if problems:
        raise UsageError(problems[0].message, where=problems[0].where, hint=problems[0].hint, problems=problems)
    return tuple(rules)


_PLAIN = frozenset(("id", "check", "columns", "severity"))


def _problems(entry: Any) -> Iterator[tuple[str, str | None]]:
    """What is wrong with one rule, and what to do about it."""
    if not isinstance(entry, dict):
        yield "not a mapping", "write {id: …, columns: […], check: …}"
        return
    if not isinstance(entry.get("columns"), list) or not entry["columns"]:
        yield "columns must be a list of names", None
    if not entry.get("id"):
        yield "has no id", None
    check = entry.get("check")
    if check not in _OPTIONS:
        yield unknown("check", str(check), get_args(RuleCheck))
        return
    needed, more = _OPTIONS[str(check)]
    for name in sorted(needed - entry.keys()):
        yield f"{check} needs {name}", None
    for name in entry.keys() - needed - more - _PLAIN:
        yield unknown(f"option of {check}", str(name), needed | more)
    if check == "compare" and len(entry.get("columns") or ()) != 2:
        yield "compare needs two columns, left and right", None
    if check == "pattern" and ("pattern" in entry) == ("semantic" in entry):
        yield "pattern needs either pattern or semantic", None
    if check == "range" and not more & entry.keys():
        yield "range needs min or max", None
    yield from _option_problems(entry)


def _option_problems(entry: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Options with a value that is none of those they can have."""
    for name, allowed in (
        ("severity", get_args(RuleSeverity)), ("type", tuple(_TYPES)), ("operator", tuple(_OPERATORS)),
        ("semantic", _SEMANTICS),
    ):  # fmt: skip
        if name in entry and entry[name] not in allowed:
            yield unknown(name, str(entry[name]), allowed)
    if "values" in entry and not isinstance(entry["values"], list):
        yield "values must be a list", None
    try:
        re2.compile(str(entry.get("pattern", "")))
        parse_duration(entry.get("max_age", "1d"))
    except (re2.error, UsageError) as error:
        yield str(error).partition("\n")[0], None


def apply_rule(
    rule: ValidationRule, rows: Sequence[Mapping[str, Json]], names: Sequence[str], *, now: datetime, lookup: Lookup
) -> list[RuleResult]:
    """What a rule says of each column that it is for; nothing where there is none."""
    if rule.check == "compare":
        sides = [next((name for name in names if _is_named(name, (column,))), None) for column in rule.columns]
        if None in sides:
            return []
        left, right = map(str, sides)
        pairs = [(comparable(row.get(left)), comparable(row.get(right))) for row in rows]
        test = _OPERATORS[str(rule.options["operator"])]
        verdicts = [
            one is None or other is None or type(one) is not type(other) or test(one, other) for one, other in pairs
        ]
        return [_result(rule, f"{left}, {right}", verdicts)]
    if rule.check == "freshness":
        return [_freshness(rule, name, rows, now) for name in names if _is_named(name, rule.columns)]
    results = []
    for name in names:
        if _is_named(name, rule.columns):
            cells = [row.get(name) for row in rows]
            results.append(_result(rule, name, _kept(rule, cells, lookup)))
    return results


def _kept(rule: ValidationRule, cells: Sequence[Json], lookup: Lookup) -> list[bool]:
    """Whether each cell keeps the rule; an empty one keeps all but `required`."""
    if rule.check == "required":
        return [cell is not None and cell != "" for cell in cells]
    if rule.check == "unique":
        counts = Counter(str(cell) for cell in cells if cell is not None)
        return [cell is None or counts[str(cell)] == 1 for cell in cells]
    test = _cell_test(rule, lookup)
    return [cell is None or cell == "" or test(cell) for cell in cells]


def _cell_test(rule: ValidationRule, lookup: Lookup) -> Callable[[Json], bool]:
    options = rule.options
    if rule.check == "type":
        return _TYPES[str(options["type"])]
    if rule.check == "range":
        low, high = comparable(options.get("min")), comparable(options.get("max"))

        def within(cell: Json) -> bool:
            value = comparable(cell)
            return all(
                bound is None or (type(bound) is type(value) and test(value, bound))
                for bound, test in ((low, operator.ge), (high, operator.le))
            )

        return within
    if rule.check == "pattern" and "semantic" in options:
        from importlib import import_module

        module = import_module(f"stdnum.{options['semantic']}")
        return lambda cell: bool(module.is_valid(str(cell)))
    if rule.check == "pattern":
        pattern = re2.compile(str(options["pattern"]))
        return lambda cell: pattern.fullmatch(str(cell)) is not None
    if rule.check == "set":
        allowed = frozenset(str(item).casefold() for item in options["values"])
        return lambda cell: str(cell).casefold() in allowed
    values = lookup(str(options["table"]), str(options["field"]))
    return lambda cell: cell in values


def _freshness(rule: ValidationRule, name: str, rows: Sequence[Mapping[str, Json]], now: datetime) -> RuleResult:
    """Whether the newest day of a column is young enough; the rows count as one."""
    days = [day for row in rows if (day := day_of(row.get(name))) is not None]
    newest = max(days, default=None)
    age = (now.astimezone(UTC).replace(tzinfo=None) - newest).total_seconds() if newest else 0
    fresh = newest is None or age <= parse_duration(str(rule.options["max_age"]))
    message = "" if fresh or newest is None else f"the newest is of {newest.date().isoformat()}"
    return RuleResult(rule.id, name, rule.severity, "timeliness", 1, 0 if fresh else 1, message=message)


def _result(rule: ValidationRule, column: str, verdicts: Sequence[bool]) -> RuleResult:
    failed = [number for number, keeps in enumerate(verdicts, 1) if not keeps]
    message = f"{len(failed)} of {len(verdicts)} rows fail {rule.check}" if failed else ""
    return RuleResult(
        rule.id, column, rule.severity, CHECK_DIMENSIONS[rule.check], len(verdicts), len(failed),
        tuple(failed[:_MOST_ROWS]), message,
    )  # fmt: skip


@cache
def _is_named(name: str, wanted: tuple[str, ...]) -> bool:
    """Whether a column has one of the names, by its words: `Unit Price` is `unit_price`; `*` is all."""
    words = name_words(name)
    return "*" in wanted or any(name_words(one) == words for one in wanted)


def comparable(cell: Json) -> float | datetime | None:
    """A cell as a number or a day, for comparing; None for what is neither."""
    return day_of(cell) or number_of(cell)


def number_of(cell: Json) -> float | None:
    """The number that a cell is, or holds as text."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return float(cell)
    number = read_number(cell) if isinstance(cell, str) else None
    return float(number.value) if number is not None else None


def day_of(cell: Json) -> datetime | None:
    """The day or point in time that a text in ISO 8601 is, without its zone."""
    if not isinstance(cell, str) or len(cell) < 10 or cell[4:5] != "-":
        return None
    try:
        return datetime.fromisoformat(cell).replace(tzinfo=None)
    except ValueError:
        return None
