"""A prompt that is only text: what is marked in it as data, context and sections is read back out of it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from trainer.core.digest import digest, digest_bytes
from trainer.core.markdown import Block, read_markdown
from trainer.core.values import Context, DataBlock, Json, Output, Prompt
from trainer.draft.figures import numeral
from trainer.draft.outline import headings

_DATA = re.compile(r"<data ([^>\n]*)>\n(.*?)</data\b[^>\n]*>", re.DOTALL)
_CONTEXT = re.compile(r'<context path="([^"\n]*)"[^>\n]*>\n(.*?)</context\b[^>\n]*>', re.DOTALL)
_PART = re.compile(r"<(instruction|output)\b[^>\n]*>\n(.*?)</\1\b[^>\n]*>", re.DOTALL)
_NAMED = re.compile(r'(\w+)="([^"\n]*)"')
_PATH = re.compile(r"^([\w.]+):[ \t]*$", re.MULTILINE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_bare(prompt: Prompt) -> bool:
    """Whether a prompt is nothing but text."""
    return not (prompt.data or prompt.contexts or prompt.output.sections or prompt.output.schema)


def prompt_of(text: str) -> Prompt:
    """The prompt that a text is: a rendered prompt read back, or a question with JSON and paragraphs below it."""
    marked = {match.group(1): match.group(2) for match in _PART.finditer(text)}
    if marked or _DATA.search(text) or _CONTEXT.search(text):
        return _rendered(text, marked)
    body = _without_fences(text).strip()
    head, _, rest = body.partition("\n\n")
    return Prompt(
        instruction="-",
        title=" ".join(head.split())[:80],
        text=text,
        body=body,
        contexts=_own(rest),
        data=tuple(_blocks(text)),
        output=Output(sections=tuple(headings(body, level=2))),
    )


def _rendered(text: str, marked: Mapping[str, str]) -> Prompt:
    body = marked.get("instruction") or _DATA.sub("", _CONTEXT.sub("", text))
    data = [_data(match) for match in _DATA.finditer(text)]
    contexts = [_context(match.group(1), match.group(2)) for match in _CONTEXT.finditer(text)]
    sections = tuple(headings(marked.get("output", body), level=2))
    return Prompt("-", "", text, body, contexts=tuple(contexts), data=tuple(data), output=Output(sections=sections))


def _data(match: re.Match[str]) -> DataBlock:
    """A marked data block: its JSON, and its series as CSV below their paths."""
    named = dict(_NAMED.findall(match.group(1)))
    name, body = named.get("name", "data"), match.group(2)
    data: Json = {}
    for fence in _fences(body):
        if fence.info.split()[:1] == ["csv"]:
            paths = _PATH.findall(body[: fence.start])
            _put(data, paths[-1] if paths else "records", _records(fence.content))
        elif (read := _json(fence.content)) is not None:
            data = read
    source, key = named.get("source", "the prompt"), f"prompt:{name}"
    subject, as_of = named.get("subject") or None, named.get("as_of") or None
    return DataBlock(name, key, 1, source, _EPOCH, data, digest(data), subject, as_of)


def _put(data: Json, path: str, value: Json) -> None:
    """Set a dotted path inside nested mappings."""
    *above, last = path.split(".")
    for part in above:
        data = data.setdefault(part, {}) if isinstance(data, dict) else {}
    if isinstance(data, dict):
        data[last] = value


def _records(text: str) -> list[dict[str, Json]]:
    rows = csv.DictReader(text.splitlines())
    return [{str(name): _cell(value) for name, value in row.items() if name is not None} for row in rows]


def _cell(value: str | None) -> Json:
    if not value:
        return None
    number = numeral(value)
    return value if number is None else int(number) if number == number.to_integral_value() else float(number)


def _context(path: str, text: str) -> Context:
    title = next(iter(headings(text, level=2)), path)
    return Context(path, title, text, digest_bytes(text.encode("utf-8", "surrogatepass")))


def _own(rest: str) -> tuple[Context, ...]:
    """The paragraphs below the first as a context of their own."""
    if not rest.strip():
        return ()
    return (Context("-", "the prompt", rest, digest_bytes(rest.encode("utf-8", "surrogatepass"))),)


def _blocks(text: str) -> Iterator[DataBlock]:
    for number, fence in enumerate(_fences(text), 1):
        data = _json(fence.content)
        if data is not None:
            yield DataBlock(f"data {number}", f"prompt:{number}", 1, "the prompt", _EPOCH, data, digest(data))


def _fences(text: str) -> list[Block]:
    """The fenced blocks of a text that are closed."""
    blocks = read_markdown(text, front_matter=False).blocks
    return [block for block in blocks if block.is_fenced and block.is_closed]


def _without_fences(text: str) -> str:
    parts, done = [], 0
    for fence in _fences(text):
        parts.append(text[done : fence.start])
        done = fence.end
    return "".join([*parts, text[done:]])


def _json(text: str) -> Json:
    """The object or list in a text, or None."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict | list) else None
