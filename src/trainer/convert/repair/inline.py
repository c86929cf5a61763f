"""Repairs inside lines: formulas, stray citation marks, emphasis that is never closed."""

from __future__ import annotations

import re

from trainer.convert.repair.lines import (
    Line,
    Repair,
    blanked,
    by_line,
    code_spans,
    is_escaped,
    outside,
    protected_spans,
    scan,
)

_CITATIONS = re.compile(
    r"(?<![\"'“`])[ ]?【[^【】\n]{0,80}†[^【】\n]{0,120}】"
    r"|[ ]?:contentReference\[oaicite:\d{1,9}\]\{[^{}\n]{0,200}\}"
    r"|[ ]?\[oaicite:\d{1,9}\](?:\{[^{}\n]{0,200}\})?"
    r"|[ ]?\ue200[^\ue200\ue201\n]{0,200}\ue201"
    r"|[\ue200-\ue2ff]"
    r"|[ ]?(?<!\w)(?:cite)?turn\d{1,4}(?:search|view|news|fetch|file|finance)\d{1,4}"
    r"(?:turn\d{1,4}(?:search|view|news|fetch|file)\d{1,4})*"
    r"|[ ]?\[cite(?:_start|_end|: ?[\d, ]{1,80})?\](?!\()"
    r"|[ ]?\[source: ?\d{1,9}(?:, ?\d{1,9})*\](?![(\[])"
    r"|<(?:cite|antml:cite)[^<>\n]*>|</(?:cite|antml:cite)>"
)
_CITED = re.compile(r"†|oaicite|[\ue200-\ue2ff]|turn\d{1,4}[a-z]|\[cite|\[source:|<(?:antml:)?cite")
_ESCAPER = re.compile(r"\\[.!\-+#>|~]|\w\\[_(]")
"""What programs write that escape everything; there `\\(` is a parenthesis."""
_FORMULA = re.compile(r"[\\^_{}=<>+/]|\A[a-zA-Z]\Z|\d\s*[-*]")
_PROSE = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{4,} +(?:[a-z]|[A-Z])[A-Za-z]+")
_QUOTE = re.compile(r"[ \t]*(?:>[ \t]?)+")
_NEW_BLOCK = re.compile(r"[ \t]*(?:[-*+] |\d{1,9}[.)] |#{1,6} |\||---)")
_LONE_STAR = re.compile(r"\*\*\*|(?<!\*)\*(?!\*)\S")


def strip_citations(text: str) -> tuple[str, list[Repair]]:
    """The text without marks of citation that lead nowhere."""
    if not _CITED.search(text):
        return text, []

    def stripped(line: str) -> str:
        return outside(code_spans(line), line, lambda prose: _CITATIONS.sub("", prose))

    return by_line(text, stripped, "citation", "citation mark dropped")


def mend_math(text: str) -> tuple[str, list[Repair]]:
    r"""`\(x\)` and `\[x\]` as dollar formulas, where what they hold is a formula and nothing else is escaped."""
    if ("\\(" not in text and "\\[" not in text) or _ESCAPER.search(text):
        return text, []
    lines = [line.text for line in scan(text)]
    repairs: list[Repair] = []
    opened = -1
    for line in scan(text):
        bare = line.text.strip(" \t")
        if not line.code and bare == "\\[":
            opened = line.number - 1
        elif line.code or not bare:
            opened = -1
        elif bare == "\\]" and opened >= 0:
            for at in (opened, line.number - 1):
                lines[at] = lines[at].replace(lines[at].strip(), "$$")
            repairs.append(Repair("math", opened + 1, "formula marked with dollars"))
            opened = -1
    mended = "\n".join(lines) if repairs else text
    mended, more = by_line(mended, _dollars, "math", "formula marked with dollars")
    return mended, repairs + more


def _dollars(line: str) -> str:
    for opening, closing, mark in (("\\(", "\\)", "$"), ("\\[", "\\]", "$$")):
        if opening in line:
            spans = protected_spans(line)
            line = outside(
                spans,
                line,
                lambda prose, marks=(opening, closing, mark): _with_dollars(prose, *marks),  # type: ignore[misc]
            )
    return line


def _with_dollars(prose: str, opening: str, closing: str, mark: str) -> str:
    pieces, at = [], 0
    while (start := prose.find(opening, at)) >= 0:
        end = prose.find(closing, start + 2)
        if end < 0:
            break
        inside = prose[start + 2 : end].strip()
        is_formula = inside and _FORMULA.search(inside) and not _PROSE.search(inside) and opening not in inside
        after, before = prose[end + 2 : end + 3], prose[start - 1 : start] if start else ""
        is_link = mark == "$$" and (len(inside) < 2 or after in ("(", "[", ":") or before == "!")
        if is_formula and not is_link and not is_escaped(prose, start):
            pieces += [prose[at:start], mark, inside, mark]
            at = end + 2
        else:
            pieces.append(prose[at : start + 2])
            at = start + 2
    return "".join([*pieces, prose[at:]])


def close_strong(text: str) -> tuple[str, list[Repair]]:
    """`**` that is opened in a paragraph and never closed there is closed; spaces inside a pair are dropped."""
    if "**" not in text:
        return text, []
    lines = list(scan(text))
    repairs: list[Repair] = []
    at = 0
    while at < len(lines):
        end = at
        while end < len(lines) and _goes_on(lines, at, end):
            end += 1
        end = max(end, at + 1)
        if not lines[at].code and not lines[at].table:
            _close_in(lines, at, end, repairs)
        at = end
    return ("\n".join(line.text for line in lines), repairs) if repairs else (text, [])


def _goes_on(lines: list[Line], start: int, at: int) -> bool:
    """Whether a line belongs to the paragraph that starts at `start`."""
    line = lines[at]
    if line.code or not line.text.strip():
        return False
    if at == start:
        return True
    quote = _QUOTE.match(line.text)
    if quote and (not _QUOTE.match(lines[start].text) or not line.text[quote.end() :].strip()):
        return False
    return not _NEW_BLOCK.match(line.text, quote.end() if quote else 0)


def _close_in(lines: list[Line], start: int, end: int, repairs: list[Repair]) -> None:
    bare = [blanked(line.text) for line in lines[start:end]]
    if not any("**" in text for text in bare) or lines[start].text.lstrip().startswith("|"):
        return
    for offset, text in enumerate(bare):
        if (tightened := _without_inner_spaces(lines[start + offset].text, text)) is not None:
            _replace(lines, start + offset, tightened, repairs, "spaces inside ** dropped")
            bare[offset] = blanked(tightened)
    if any("****" in text or _LONE_STAR.search(text) for text in bare):
        return
    if sum(text.count("**") for text in bare) % 2 == 0:
        return
    offset = max(number for number, text in enumerate(bare) if "**" in text)
    _close_last(lines, start + offset, bare[offset], repairs)


def _without_inner_spaces(text: str, bare: str) -> str | None:
    """The line without the spaces inside its one pair of `**`, where they stand at both ends of it."""
    if bare.count("**") != 2:
        return None
    first, last = bare.find("**"), bare.rfind("**")
    inside = bare[first + 2 : last]
    is_spaced = inside[:1] == " " and inside[-1:] == " " and inside.strip() and "*" not in inside
    before, after = bare[first - 1 : first] if first else "", bare[last + 2 : last + 3]
    if not is_spaced or any(letter.isalnum() or letter in "_*" for letter in (before, after) if letter):
        return None
    return f"{text[: first + 2]}{text[first + 2 : last].strip()}{text[last:]}"


def _close_last(lines: list[Line], at: int, bare: str, repairs: list[Repair]) -> None:
    position = bare.rfind("**")
    before, after = bare[:position], bare[position + 2 :]
    if not after.strip() or after[:1].isspace() or (before[-1:].isalnum() and before):
        return
    text = lines[at].text
    term = re.match(r"[^:*\n]{1,60}:(?=\s)", after)
    stop = position + 2 + (term.end() if term else len(after.rstrip()))
    _replace(lines, at, f"{text[:stop]}**{text[stop:]}", repairs, "** closed")


def _replace(lines: list[Line], at: int, text: str, repairs: list[Repair], message: str) -> None:
    repairs.append(Repair("emphasis", lines[at].number, message))
    lines[at] = Line(lines[at].number, text)
