"""Repairs of headings, code blocks and comments."""

from __future__ import annotations

import re

from trainer.convert.repair.lines import Repair, by_line, code_spans, scan
from trainer.core.markdown import read_markdown

_HEADING = re.compile(r"^ {0,3}(#{2,6})(?=[^\W\d_]|\*\*)")
_TITLE = re.compile(r"^(#)(?=[A-Z][^\s#]*\s+\S)")
_SMART = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "„": '"'})
_LANGUAGES = (
    "bash c cpp css go html java javascript js json jsonc kotlin php powershell py python r ruby rust sh shell sql "
    "swift toml ts typescript xml yaml yml"
)
_CODE_LANGUAGES = frozenset(_LANGUAGES.split())


def space_headings(text: str) -> tuple[str, list[Repair]]:
    """A space after the hashes of a heading: `##Risks`."""
    if "#" not in text:
        return text, []
    first = text.partition("\n")[0]

    def spaced(line: str) -> str:
        if line == first and _TITLE.match(line):
            return f"# {line[1:]}"
        return _HEADING.sub(lambda match: f"{match[0]} ", line, count=1)

    return by_line(text, spaced, "heading", "space added after the hashes of a heading")


def straighten_code(text: str) -> tuple[str, list[Repair]]:
    """Straight quotes in code of a known language where a line has only curly ones."""
    if not any(mark in text for mark in "“”‘’„"):
        return text, []
    lines, repairs = [], []
    for line in scan(text):
        mended = line.text
        if line.code and line.language in _CODE_LANGUAGES and _quotes_are_curly(mended):
            mended = mended.translate(_SMART)
        if mended != line.text:
            repairs.append(Repair("quotes", line.number, "curly quotes in code made straight"))
        lines.append(mended)
    return ("\n".join(lines), repairs) if repairs else (text, [])


def _quotes_are_curly(line: str) -> bool:
    curly = sum(line.count(mark) for mark in "“”‘’„")
    in_words = len(re.findall(r"\w’\w", line))
    is_comment = line.lstrip().startswith(("#", "//", "--", "/*", "*"))
    return curly - in_words > 0 and '"' not in line and "'" not in line and not is_comment


def close_comment(text: str) -> tuple[str, list[Repair]]:
    """A comment that never ends, and would swallow the rest, is opened no more."""
    start = text.rfind("<!--")
    if start < 0 or "-->" in text[start:]:
        return text, []
    lines = scan(text)
    at = text.count("\n", 0, start)
    column = start - text.rfind("\n", 0, start) - 1
    line = lines[at]
    if line.code or any(left <= column < right for left, right in code_spans(line.text)):
        return text, []
    mended = text[:start] + text[start + 4 :].lstrip(" \t")
    return mended, [Repair("comment", line.number, "start of a comment that never ends dropped")]


def close_fence(text: str) -> tuple[str, list[Repair]]:
    """A code block that the end of the text leaves open is closed; one in a list or quote ends with it."""
    blocks = read_markdown(f"{text.rstrip()}\n").blocks
    last = blocks[-1] if blocks else None
    if last is None or not last.is_fenced or last.is_closed or last.containers:
        return text, []
    opening = last.text.partition("\n")[0]
    mark = opening.lstrip()[0]
    fence = mark * (len(opening.lstrip()) - len(opening.lstrip().lstrip(mark)))
    return f"{text.rstrip()}\n{fence}\n", [Repair("fence", last.line, "code block closed at the end")]
