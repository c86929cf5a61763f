"""A report's Markdown: front matter, title, and the completion as it was checked; dates come from the data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from trainer.core.clock import isoformat
from trainer.core.values import DataBlock

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MARKS = re.compile(r"[\\\[\]*_`<|$~]|&(?=#?\w+;)")
_HEADING = re.compile(r" {0,3}#[ \t]+(.*?)[ \t]*#*[ \t]*$")


_STALE = {
    "en": ("Some data was out of date when this was built, because its source did not answer:", "as of {day}"),
    "de": ("Einige Daten waren beim Erstellen veraltet, weil ihre Quelle nicht antwortete:", "Stand {day}"),
    "fr": ("Certaines données étaient périmées, leur source ne répondant pas :", "au {day}"),
    "es": ("Algunos datos estaban desactualizados porque su fuente no respondía:", "a {day}"),
}
"""What a report with outdated data says of it, by language: the notice, and each datum's date in ISO form."""


def report_date(blocks: Iterable[DataBlock]) -> str | None:
    """The newest date the data is valid for, as ISO date; None where no data says so."""
    return max((day for block in blocks if (day := _day(block))), default=None)


def stale_notice(blocks: Iterable[DataBlock], *, language: str = "en") -> str:
    """A quotation that says which data was out of date because its source did not answer; empty where none was."""
    words = _STALE.get(language.partition("-")[0], _STALE["en"])
    lines = [
        f"> - {escaped(block.name)} ({escaped(block.source)}): {words[1].format(day=block.stale_since[:10])}"
        for block in blocks
        if block.stale_since
    ]
    return "\n".join([f"> **{words[0]}**", ">", *lines]) + "\n" if lines else ""


def compose(
    text: str, *, title: str, date: str | None, meta: Mapping[str, str], appendix: str = "", notice: str = ""
) -> str:
    """The whole Markdown of a report: front matter in a fixed order, one level-1 heading, a notice, text, appendix."""
    front = {"title": title, **({"date": date} if date else {}), **meta}
    lines = ["---", *(f"{key}: {quoted(value)}" for key, value in front.items()), "---", "", f"# {escaped(title)}", ""]
    body = _without_title(text, title).strip("\n")
    parts = ["\n".join(lines) + "\n" + (f"{notice}\n" if notice else "") + body + "\n"]
    if appendix:
        parts.append(appendix.strip("\n") + "\n")
    return "\n".join(parts)


def quoted(value: str) -> str:
    """A YAML scalar that reads back as the text, on one line."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return value
    inside = " ".join(value.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inside}"'


def escaped(text: str) -> str:
    """Markdown that shows the text as it is, on one line, in a heading or a table's cell."""
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split()))


def _day(block: DataBlock) -> str | None:
    return block.as_of or (isoformat(block.retrieved_at)[:10] if block.retrieved_at else None)


def _without_title(text: str, title: str) -> str:
    """The text without a level-1 heading of its own at the top, which the report's title replaces."""
    lines = text.strip("\n").split("\n")
    for at, line in enumerate(lines):
        if _FENCE.match(line):
            return text
        heading = _HEADING.match(line)
        if heading and (at == 0 or heading[1].casefold() == title.casefold()):
            return "\n".join([*lines[:at], *lines[at + 1 :]])
        if line.strip():
            return text
    return text
