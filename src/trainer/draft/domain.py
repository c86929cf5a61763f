"""What figures of a domain mean to each other, from the files in `domains/`: names, formulas and what to notice.

Nothing of a domain is in code: a file names its figures, what follows from two of them, and which rules a careful
reader applies. Facts are recognised by their titles, so any source that names its figures plainly takes part.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, DivisionByZero, InvalidOperation
from functools import cache
from importlib import resources
from typing import Any, TypeAlias

from trainer.core.yamltext import load_yaml
from trainer.draft import wording
from trainer.draft.cubes import Entity
from trainer.draft.figures import show, times
from trainer.draft.model import Fact, MeasureColumn, Records

Concepts: TypeAlias = Mapping[str, Fact]
"""The facts of one entity by concept."""

_SLOT = re.compile(r"\{(?:(\w+):)?([^{}]+)\}")
_OPERATORS: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notice:
    """One observation, told short and long."""

    topic: str
    """Two or three words: `Liquidity`."""
    short: str
    """A clause with its figures: `the current ratio is 0.66`."""
    meaning: str
    """A sentence on what it means."""
    query: str
    """Words that find the passage of a context about it."""
    weight: int
    """The larger, the more it matters."""
    facts: tuple[Fact, ...]
    question: str = ""
    """What a reader should ask about it first."""
    risk: bool = True
    """Whether it belongs among the risks; else it is a remark on how to read a figure."""
    misleads: bool = False
    """Whether its figures should not be compared."""


@cache
def domain() -> Mapping[str, Any]:
    """The files of all domains as one."""
    merged: dict[str, Any] = {}
    folder = resources.files("trainer.draft").joinpath("domains")
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.count(".") == 1 and file.name.endswith(".yaml"):
            value: Mapping[str, Any] = load_yaml(file.read_text(encoding="utf-8"), shown=file.name).value
            for name, part in value.items():
                there = merged.get(name)
                merged[name] = (
                    part if there is None else {**there, **part} if isinstance(part, dict) else [*there, *part]
                )
    return merged


@cache
def _concepts() -> Mapping[str, str]:
    return {title: name for name, titles in domain()["concepts"].items() for title in titles}


def concept(title: str) -> str:
    """The concept that a title or phrase names; nothing where it is not commonly known."""
    folded = title.casefold()
    return _concepts().get(folded) or _concepts().get(wording.base(folded), "")


def recognised(entity: Entity) -> dict[str, Fact]:
    """The entity's figures that have a commonly known meaning, by concept."""
    numbers = [fact for fact in entity.facts if fact.figure is not None]
    facts = {name: _find(numbers, titles) for name, titles in domain()["concepts"].items()}
    return {name: fact for name, fact in facts.items() if fact is not None}


def _find(numbers: list[Fact], titles: list[str]) -> Fact | None:
    for title in titles:
        for fact in numbers:
            if fact.title.casefold() == title:
                return fact
        for fact in numbers:
            if "," not in title and wording.base(fact.title).casefold() == title:
                return fact
    return None


def derivable() -> frozenset[str]:
    """The names of all figures that could be derived, in small letters."""
    return frozenset(str(rule["title"]).casefold() for rule in domain()["derived"])


def derived(entity: Entity, concepts: Concepts) -> tuple[Fact, ...]:
    """The figures that follow from two others by a plain formula."""
    facts: list[Fact] = []
    for rule in domain()["derived"]:
        if not evaluate(rule["when"], concepts):
            continue
        value = evaluate(rule["value"], concepts)
        inputs = [concepts[name] for name in _names(rule["value"])]
        if "first" in rule:
            inputs.sort(key=lambda fact: fact is not concepts[rule["first"]])
        if isinstance(value, Decimal):
            first = inputs[0]
            facts.append(
                Fact(
                    rule["title"], value, rule.get("unit") or first.unit, first.path, first.source,
                    formula=rule["words"], inputs=tuple(inputs), is_distance=rule.get("distance", False),
                )
            )  # fmt: skip
    return (*facts, *_series_ratios(entity))


def _series_ratios(entity: Entity) -> Iterator[Fact]:
    for rule in domain()["series_ratios"]:
        for records in entity.records:
            part, whole = column(records, rule["part"]), column(records, rule["whole"])
            both = [at for at, _ in part.known if whole.cells[at]] if records.dated and part and whole else []
            if not both or part is None or whole is None:
                continue
            first, second = part.cells[both[-1]], whole.cells[both[-1]]
            if first and second and first.figure is not None and second.figure:
                title = wording.say(
                    "title_period",
                    title=wording.term(rule["title"]),
                    period=wording.say_of("periods_of", records.cadence or "period"),
                    day=wording.day(records.labels[both[-1]]),
                )
                yield Fact(
                    title, first.figure / second.figure, "fraction", first.path, first.source,
                    formula=rule["words"], inputs=(first, second),
                )  # fmt: skip
                break


def column(records: Records, name: str) -> MeasureColumn | None:
    """The numeric column of a series that holds the concept."""
    columns = {column.title.casefold(): column for column in records.columns if column.numeric}
    return next((columns[title] for title in domain()["concepts"][name] if title in columns), None)


def pattern(concepts: Concepts) -> str:
    """What the signs of an entity's main figures are the pattern of."""
    return next((wording.term(rule["says"]) for rule in domain()["patterns"] if evaluate(rule["when"], concepts)), "")


def notices(entity: Entity, concepts: Concepts) -> tuple[Notice, ...]:
    """All that is noticed, the weightiest first."""
    by_topic: dict[str, Notice] = {}
    for rule in domain()["notices"]:
        if rule["topic"] not in by_topic and evaluate(rule["when"], concepts):
            facts = tuple(concepts[name] for name in dict.fromkeys(_names(_spoken(rule["says"]))))
            by_topic[rule["topic"]] = _notice(rule, _filled(wording.term(rule["says"]), concepts), facts)
    remarks = [*by_topic.values(), *_turns(entity), *_meaningless(entity)]
    return tuple(sorted(remarks, key=lambda notice: -notice.weight))


def _notice(rule: Mapping[str, Any], short: str, facts: tuple[Fact, ...], **words: str) -> Notice:
    return Notice(
        _worded(rule["topic"], words), short, _worded(rule["meaning"], words), rule["query"], rule["weight"], facts,
        wording.term(rule.get("question", "")), rule.get("risk", True), rule.get("misleads", False),
    )  # fmt: skip


def _worded(text: str, words: Mapping[str, str]) -> str:
    return wording.term(text).format(**words) if words else wording.term(text)


def _turns(entity: Entity) -> Iterator[Notice]:
    for rule in domain()["turns"]:
        for records in entity.records:
            series = column(records, rule["concept"])
            if not records.dated or series is None or len(series.known) < 3:
                continue
            values = [cell.figure or Decimal(0) for _, cell in series.known]
            if values[-1] >= 0 or any(value <= 0 for value in values[:-1]):
                continue
            (at_before, before), (at, last) = series.known[-2:]
            noun = wording.say_of("periods_of", records.cadence or "period")
            short = wording.term(rule["says"]).format(
                noun=noun, last=last.text, before=before.text,
                day=wording.day(records.labels[at]), day_before=wording.day(records.labels[at_before]),
            )  # fmt: skip
            yield _notice(rule, short, (last, before), noun=noun)


def _meaningless(entity: Entity) -> Iterator[Notice]:
    rule = domain()["meaningless"]
    facts = tuple(
        fact
        for fact in entity.facts
        if fact.unit == "ratio" and (fact.figure or 0) < 0 and f" {rule['word']} " in fact.title
    )
    if facts:
        shown = wording.listed([f"{wording.named(fact.title)} ({fact.text})" for fact in facts])
        short = wording.say("negative", many=len(facts) > 1, titles=shown)
        meaning = wording.term(rule["one"] if len(facts) == 1 else rule["many"])
        yield Notice(
            wording.term(rule["topic"]), short, meaning, rule["query"], rule["weight"], facts, risk=False, misleads=True
        )


def _filled(template: str, concepts: Concepts) -> str:
    def slot(match: re.Match[str]) -> str:
        kind, expression = match[1], match[2]
        if kind in ("times", "years"):
            value = evaluate(expression, concepts)
            assert isinstance(value, Decimal)
            return times(value) if kind == "times" else show(value, "years")
        fact = concepts[expression]
        if kind == "title":
            return wording.lowered(wording.base(fact.title))
        return wording.period(fact.title) if kind == "period" else fact.text

    return " ".join(_SLOT.sub(slot, template).split())


def _spoken(template: str) -> str:
    """The figures that a sentence prints, in their order, as an expression."""
    names = [name for match in _SLOT.finditer(template) if match[1] in (None, "period") for name in _names(match[2])]
    return " + ".join(names)


@cache
def _names(expression: str) -> tuple[str, ...]:
    tree = ast.parse(expression, mode="eval")
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return tuple(dict.fromkeys(node.id for node in sorted(nodes, key=lambda node: node.col_offset)))


def evaluate(expression: str, concepts: Concepts) -> Decimal | bool | None:
    """The value of a rule's arithmetic or comparison over concepts; None where a figure is missing or divided by zero.

    Percentages count as fractions: 5 % is 0.05.
    """
    try:
        value = _value(ast.parse(expression, mode="eval").body, concepts)
    except (KeyError, DivisionByZero, InvalidOperation):
        return None
    return value if isinstance(value, Decimal | bool) else None


def _value(node: ast.AST, concepts: Concepts) -> Any:
    if isinstance(node, ast.Name):
        figure = concepts[node.id].figure or Decimal(0)
        return figure / 100 if concepts[node.id].unit == "percent" else figure
    if isinstance(node, ast.Constant):
        return Decimal(str(node.value))
    if isinstance(node, ast.UnaryOp):
        return -_value(node.operand, concepts)
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_value(node.left, concepts), _value(node.right, concepts))
    if isinstance(node, ast.BoolOp):
        return all(_value(part, concepts) for part in node.values)
    if isinstance(node, ast.Compare):
        sides = [_value(side, concepts) for side in (node.left, *node.comparators)]
        return all(
            _OPERATORS[type(test)](left, right) for test, left, right in zip(node.ops, sides, sides[1:], strict=False)
        )
    raise ValueError(f"not part of a rule: {ast.dump(node)}")
