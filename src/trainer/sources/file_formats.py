"""Text files as data: JSON, JSON Lines, YAML, CSV, TSV and Markdown, every fault by file, line and column."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trainer.core import strictjson
from trainer.core.errors import Problem, SourceError, UsageError, Where, nearest
from trainer.core.frontmatter import split_front_matter
from trainer.core.values import Json
from trainer.core.yamltext import KEY, load_yaml
from trainer.sources.delimited import read_delimited, typed_records

Reader = Callable[..., Json]
"""From the text and the path shown in errors to data; `spelt` keeps numbers as they are written, `1.10` and `007`."""

_MOST_PROBLEMS = 20


def read_data(content: bytes, shown: str, *, spelt: bool = False) -> Json:
    """What the file `shown` holds; its suffix says how to read it. Raises SourceError.

    With `spelt`, numbers that would be shown otherwise than they are written stay text: for rows of parameters, which
    have no type of their own.
    """
    suffix = "." + shown.rpartition(".")[2].lower() if "." in shown else ""
    reader = READERS.get(suffix)
    if reader is None:
        close = nearest(suffix, READERS)
        hint = f'did you mean "{close}"?' if close else f"known: {', '.join(sorted(READERS))}"
        raise SourceError(f'no reader for "{suffix}" files', where=Where(shown), hint=hint)
    text = decode(content, shown)
    if not text.strip():
        raise SourceError("empty", where=Where(shown), hint="fill the file, or take it out of the query")
    try:
        return reader(text, shown, spelt=spelt)
    except UsageError as error:  # of the readers that all rooms share: here it is the source that is at fault
        raise SourceError(error.message, where=error.where, hint=error.hint, problems=error.problems) from None


def decode(content: bytes, shown: str) -> str:
    """The text of a file, LF only; raises SourceError for what is not text."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in content:
        where = _where(content, content.index(b"\0"), shown)
        raise SourceError("binary, not text", where=where, hint="save it as JSON, CSV, YAML or text")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        where = _where(content, error.start, shown)
        message = f"not {encoding.removesuffix('-sig').upper()} text (byte 0x{content[error.start]:02x})"
        raise SourceError(message, where=where, hint="save the file as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_json(text: str, shown: str, *, spelt: bool = False) -> Json:
    """The document; NaN, a key that stands twice and half a surrogate pair are faults."""
    return strictjson.read_json(text, shown=shown, spelt=spelt)


def read_json_lines(text: str, shown: str, *, spelt: bool = False) -> Json:
    """A list of what each line holds; blank lines are passed by."""
    records: list[Json] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            if line.strip():
                records.append(strictjson.read_json(line, shown=shown, first_line=number, spelt=spelt))
        except UsageError as error:
            problems += error.problems
        if len(problems) == _MOST_PROBLEMS:
            break
    if problems:
        raise SourceError(problems[0].message, where=problems[0].where, problems=problems)
    return records


def read_yaml(text: str, shown: str, *, spelt: bool = False) -> Json:
    """The document, with YAML 1.2's scalars."""
    document = load_yaml(text, shown=shown)
    for path in document.places:
        if isinstance(value := _at(document.value, path), float) and not math.isfinite(value):
            raise SourceError(f"{value} is not a number in data", where=document.where(*path), hint="quote it as text")
    return document.spelt() if spelt else document.value


def read_markdown(text: str, shown: str, *, spelt: bool = False) -> Json:
    """The front matter's entries, `text`, and `tables`: each a `title` (the heading above it) and its `records`."""
    parts = split_front_matter(text, shown=shown)
    if parts.slip is not None:
        raise SourceError(parts.slip.message, where=parts.slip.where, hint=parts.slip.hint)
    if parts.front is not None and parts.front.value and not parts.front.places:  # read line by line for want of YAML
        raise SourceError(
            "front matter that is not valid YAML", where=Where(shown, 1), hint="quote values that hold : or #"
        )
    front = (parts.meta if spelt else parts.front.value) if parts.front else {}
    from trainer.core.markdown import read_markdown as read_blocks  # 50 ms of CPU that other files need not pay

    tables = []
    for block in read_blocks(parts.body).blocks:
        if block.table is not None:
            header, *body = [
                [cell.text.replace("\\|", "|") for cell in row] for row in (block.table.header, *block.table.rows)
            ]
            rows = [(row + [""] * len(header))[: len(header)] for row in body]
            title = block.headings[-1] if block.headings else ""
            tables.append({"title": title, "records": typed_records(header, rows)})
    return {**front, "text": parts.body.strip(), **({"tables": tables} if tables else {})}


READERS: Mapping[str, Reader] = {
    ".json": read_json,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".yaml": read_yaml,
    ".yml": read_yaml,
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".md": read_markdown,
    ".markdown": read_markdown,
}
"""Suffix -> reader."""


def _where(content: bytes, at: int, shown: str) -> Where:
    return Where(shown, content.count(b"\n", 0, at) + 1, at - content.rfind(b"\n", 0, at))


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        if part == KEY:
            return None
        value = value[part]
    return value
