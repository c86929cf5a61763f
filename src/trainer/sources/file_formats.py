"""Text files as data: JSON, JSON Lines, YAML, CSV, TSV and Markdown, every fault by file, line and column."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from trainer.core.errors import Problem, SourceError, UsageError, Where, nearest
from trainer.core.values import Json
from trainer.core.yamltext import KEY, load_yaml
from trainer.sources.delimited import read_delimited, typed_records

Reader = Callable[[str, str], Json]
"""From the text and the path shown in errors to data."""

_MOST_PROBLEMS = 20


def read_data(content: bytes, shown: str) -> Json:
    """What the file `shown` holds; its suffix says how to read it. Raises SourceError."""
    suffix = "." + shown.rpartition(".")[2].lower() if "." in shown else ""
    reader = READERS.get(suffix)
    if reader is None:
        close = nearest(suffix, READERS)
        hint = f'did you mean "{close}"?' if close else f"known: {', '.join(sorted(READERS))}"
        raise SourceError(f'no reader for "{suffix}" files', where=Where(shown), hint=hint)
    text = decode(content, shown)
    if not text.strip():
        raise SourceError("empty", where=Where(shown), hint="fill the file, or take it out of the query")
    return reader(text, shown)


def decode(content: bytes, shown: str) -> str:
    """The text of a file, LF only; raises SourceError for what is not text."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in content:
        where = _where(content, content.index(b"\0"), shown)
        raise SourceError("binary, not text", where=where, hint="`trainer ingest` reads PDF, Office and other formats")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        where = _where(content, error.start, shown)
        message = f"not {encoding.removesuffix('-sig').upper()} text (byte 0x{content[error.start]:02x})"
        raise SourceError(message, where=where, hint="save the file as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_json(text: str, shown: str) -> Json:
    """The document; NaN, a key that stands twice and half a surrogate pair are faults."""
    try:
        return _parse_json(text)
    except json.JSONDecodeError as error:
        raise SourceError(f"not valid JSON: {error.msg}", where=Where(shown, error.lineno, error.colno)) from None
    except _BadJson as error:
        raise SourceError(f"not valid JSON: {error}", where=error.place(text, shown)) from None


def read_json_lines(text: str, shown: str) -> Json:
    """A list of what each line holds; blank lines are passed by."""
    records: list[Json] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            records.append(_parse_json(line))
        except json.JSONDecodeError as error:
            problems.append(Problem(f"not valid JSON: {error.msg}", Where(shown, number, error.colno)))
        except _BadJson as error:
            problems.append(Problem(f"not valid JSON: {error}", Where(shown, number)))
        if len(problems) == _MOST_PROBLEMS:
            break
    if problems:
        raise SourceError(problems[0].message, where=problems[0].where, problems=problems)
    return records


def read_yaml(text: str, shown: str, first_line: int = 1) -> Json:
    """The document, with YAML 1.2's scalars."""
    try:
        document = load_yaml(text, shown=shown, first_line=first_line)
    except UsageError as error:
        raise SourceError(error.message, where=error.where, hint=error.hint, problems=error.problems) from None
    for path in document.places:
        if isinstance(value := _at(document.value, path), float) and not math.isfinite(value):
            raise SourceError(f"{value} is not a number in data", where=document.where(*path), hint="quote it as text")
    return document.value


def read_markdown(text: str, shown: str) -> Json:
    """The front matter's entries, `text`, and `tables`: each a `title` (the heading above it) and its `records`."""
    front, body = _front_matter(text, shown)
    tables = [{"title": title, "records": _table_records(rows)} for title, rows in _tables(body.split("\n"))]
    return {**front, "text": body.strip(), "tables": tables} if tables else {**front, "text": body.strip()}


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


class _BadJson(ValueError):
    """JSON that the parser takes and we do not; `needle` is what to look for in the text."""

    def __init__(self, message: str, needle: str) -> None:
        super().__init__(message)
        self.needle = needle

    def place(self, text: str, shown: str) -> Where:
        at = text.rfind(self.needle) if self.needle else -1
        return Where(shown) if at < 0 else Where(shown, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _parse_json(text: str) -> Json:
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise _BadJson("nested too deeply", "") from None
    except (json.JSONDecodeError, _BadJson):
        raise
    except ValueError as error:
        raise _BadJson(str(error), "") from None
    if "\\u" in text or "\\U" in text:
        _no_half_pairs(value)
    return value


def _once(pairs: Iterable[tuple[str, Json]]) -> dict[str, Json]:
    result: dict[str, Json] = {}
    for name, value in pairs:
        if name in result:
            raise _BadJson(f'the key "{name}" stands twice', json.dumps(name, ensure_ascii=False))
        result[name] = value
    return result


def _no_constant(name: str) -> NoReturn:
    raise _BadJson(f"{name} is not a number in JSON", name)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _BadJson(f"{text} is too large a number", text)
    return number


def _no_half_pairs(value: Json) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise _BadJson(f"{half} is half a character", half) from None


def _where(content: bytes, at: int, shown: str) -> Where:
    return Where(shown, content.count(b"\n", 0, at) + 1, at - content.rfind(b"\n", 0, at))


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        if part == KEY:
            return None
        value = value[part]
    return value


def _front_matter(text: str, shown: str) -> tuple[dict[str, Json], str]:
    if not text.startswith("---\n"):
        return {}, text
    end = re.search(r"^---[ \t]*$", text[4:], re.MULTILINE)
    if end is None:
        raise SourceError("front matter without its closing ---", where=Where(shown, 1, 1))
    front = read_yaml(text[4 : 4 + end.start()], shown, first_line=2)
    if front is not None and not isinstance(front, dict):
        raise SourceError("front matter must be a mapping", where=Where(shown, 2, 1))
    return front or {}, text[4 + end.end() :]


_DIVIDER = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$")


def _tables(lines: list[str]) -> Iterable[tuple[str, list[list[str]]]]:
    """Every pipe table outside code fences, with the heading above it."""
    title, fenced, index = "", False, 0
    while index < len(lines):
        line = lines[index]
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and (heading := _HEADING.match(line)):
            title = heading.group(1)
        elif not fenced and "|" in line and index + 1 < len(lines) and _DIVIDER.match(lines[index + 1]):
            end = next((at for at in range(index + 2, len(lines)) if "|" not in lines[at]), len(lines))
            yield title, [_cells(row) for row in (line, *lines[index + 2 : end])]
            index = end
            continue
        index += 1


def _cells(row: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", row.strip().removeprefix("|"))
    if cells and not cells[-1].strip():
        cells = cells[:-1]
    return [cell.strip().replace("\\|", "|") for cell in cells]


def _table_records(rows: list[list[str]]) -> list[dict[str, Any]]:
    header, *body = rows
    width = len(header)
    return typed_records(header, [(row + [""] * width)[:width] for row in body])
