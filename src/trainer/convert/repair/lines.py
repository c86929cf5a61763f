"""Repairs line by line, aware of code fences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_OPENING = re.compile(r"^((?:[ ]{0,3}|[ \t]*(?:>|[-*+]|\d{1,9}[.)])[ \t>]*|[ \t]+))(`{3,}|~{3,})([^\n]*)$")
_HEADING = re.compile(r"^ {0,3}(#{2,6})(?=[^\W\d_]|\*\*)")
_TITLE = re.compile(r"^(#)(?=[A-Z][^\s#]*\s+\S)")
_SMART = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "„": '"'})
_CODE_LANGUAGES = frozenset(
    [
        "bash",
        "c",
        "cpp",
        "css",
        "go",
        "html",
        "java",
        "javascript",
        "js",
        "json",
        "jsonc",
        "kotlin",
        "php",
        "powershell",
        "py",
        "python",
        "r",
        "ruby",
        "rust",
        "sh",
        "shell",
        "sql",
        "swift",
        "toml",
        "ts",
        "typescript",
        "xml",
        "yaml",
        "yml",
    ]
)


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing that was mended."""

    kind: str
    """A stable word: `unwrapped`, `reasoning`, `heading`, `table` …"""
    line: int
    """Where, counted from 1, in the text as it was when this kind was looked for."""
    message: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a text and where it stands."""

    number: int
    """Counted from 1."""
    text: str
    """Without its line end."""
    code: bool
    """Whether it is part of a fenced or indented code block, its fences included."""
    language: str = ""


def scan(text: str) -> Iterator[Line]:
    """The lines of a text, those of code blocks marked."""
    fence, language, blank, indented = "", "", True, False
    for number, line in enumerate(text.split("\n"), 1):
        if fence:
            yield Line(number, line, True, language)
            if closes(line, fence):
                fence, language = "", ""
            continue
        opening = _OPENING.match(line)
        if opening and not ("`" in opening[2] and "`" in opening[3]):
            fence, language = opening[2], (opening[3].split() or [""])[0].lower()
            yield Line(number, line, True, language)
            continue
        indented = bool(line.strip()) and line.startswith(("    ", "\t")) and (blank or indented)
        yield Line(number, line, indented)
        blank = not line.strip()


def closes(line: str, fence: str) -> bool:
    """Whether a line closes the fence."""
    bare = line.strip(" \t>")
    return len(bare) >= len(fence) and not bare.strip(fence[0])


def space_headings(text: str) -> tuple[str, list[Repair]]:
    """A space after the hashes of a heading: `##Risks`."""
    if "#" not in text:
        return text, []
    lines, repairs = [], []
    for line in scan(text):
        mended = line.text
        if not line.code and mended.lstrip().startswith("#"):
            pattern = _TITLE if line.number == 1 else _HEADING
            mended = pattern.sub(lambda match: f"{match[0]} ", mended, count=1)
            mended = _HEADING.sub(lambda match: f"{match[0]} ", mended, count=1)
        if mended != line.text:
            repairs.append(Repair("heading", line.number, "space added after the hashes of a heading"))
        lines.append(mended)
    return ("\n".join(lines), repairs) if repairs else (text, [])


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
    commented = re.match(r"\s*(?:#|//|--|/\*|\*)", line)
    return curly - in_words > 0 and '"' not in line and "'" not in line and not commented


def close_comment(text: str) -> tuple[str, list[Repair]]:
    """A comment that never ends, and would swallow the rest, is opened no more."""
    for line in scan(text):
        start = -1 if line.code else line.text.find("<!--")
        if start < 0 or "`" in line.text[:start]:
            continue
        rest = text.split("\n", line.number - 1)[-1][start:]
        if "-->" not in rest:
            lines = text.split("\n")
            lines[line.number - 1] = line.text[:start] + line.text[start + 4 :].lstrip()
            return "\n".join(lines), [Repair("comment", line.number, "start of a comment that never ends dropped")]
    return text, []


def close_fence(text: str) -> tuple[str, list[Repair]]:
    """A code block that the end of the text leaves open is closed."""
    fence, start, indent = "", 0, ""
    for number, line in enumerate(text.split("\n"), 1):
        if fence:
            fence = "" if closes(line, fence) else fence
            continue
        opening = _OPENING.match(line)
        if opening and not ("`" in opening[2] and "`" in opening[3]):
            fence, start, indent = opening[2], number, re.sub(r"[^\s>]", " ", opening[1])
    if not fence:
        return text, []
    return f"{text.rstrip()}\n{indent}{fence}\n", [Repair("fence", start, "code block closed at the end")]
