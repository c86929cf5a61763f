"""Repairs inside lines: formulas, stray citation marks, emphasis that is never closed."""

from __future__ import annotations

import re
from collections.abc import Callable

from trainer.convert.repair.lines import Line, Repair, scan

_CITATIONS = re.compile(
    r"[ ]?【[^】\n]{0,80}†[^】\n]{0,120}】"
    r"|[ ]?:contentReference\[oaicite:\d+\]\{[^}\n]*\}"
    r"|[ ]?\[oaicite:\d+\](?:\{[^}\n]*\})?"
    r"|[ ]?\ue200[^\ue201\n]{0,200}\ue201"
    r"|[\ue200-\ue2ff]"
    r"|[ ]?(?<!\w)(?:cite)?turn\d+(?:search|view|news|fetch|file|finance)\d+"
    r"(?:turn\d+(?:search|view|news|fetch|file)\d+)*"
    r"|[ ]?\[cite(?:_start|_end|: ?[\d, ]+)?\](?!\()"
    r"|[ ]?\[source: ?\d+(?:, ?\d+)*\](?![(\[])"
    r"|<(?:cite|antml:cite)[^>\n]*>|</(?:cite|antml:cite)>"
)
_INLINE_MATH = re.compile(r"(?<!\\)\\\(\s*(.+?)\s*\\\)")
_LINE_MATH = re.compile(r"(?<!\\)\\\[\s*(.+?)\s*\\\]")
_BLOCK_MATH = re.compile(r"^([ \t]*)\\\[[ \t]*\n(.*?)\n[ \t]*\\\][ \t]*$", re.DOTALL | re.MULTILINE)
_FORMULA = re.compile(r"[\\^_{}=<>+/]|\A[a-zA-Z]\Z|\d\s*[-*]")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_STRONG = re.compile(r"\*\*")
_QUOTE = re.compile(r"\s*(?:>\s?)+")


def strip_citations(text: str) -> tuple[str, list[Repair]]:
    """The text without marks of citation that lead nowhere."""
    if not re.search(r"†|oaicite|[\ue200-\ue2ff]|turn\d+[a-z]+\d|\[cite|\[source:|<cite|<cite", text):
        return text, []
    return _by_line(text, lambda line: _outside_code(line, _CITATIONS, ""), "citation", "citation mark dropped")


def mend_math(text: str) -> tuple[str, list[Repair]]:
    r"""`\(x\)` and `\[x\]` as dollar formulas, where what they hold is a formula."""
    if "\\(" not in text and "\\[" not in text:
        return text, []
    code = {line.number for line in scan(text) if line.code}
    repairs: list[Repair] = []

    def block(match: re.Match[str]) -> str:
        line = text.count("\n", 0, match.start()) + 1
        if line in code:
            return match[0]
        repairs.append(Repair("math", line, "formula marked with dollars"))
        return f"{match[1]}$$\n{match[2]}\n{match[1]}$$"

    mended = _BLOCK_MATH.sub(block, text)
    mended, more = _by_line(mended, _dollars, "math", "formula marked with dollars")
    return mended, repairs + more


def _dollars(line: str) -> str:
    line = _outside_code(line, _INLINE_MATH, lambda match: f"${match[1]}$" if _FORMULA.search(match[1]) else match[0])
    return _outside_code(line, _LINE_MATH, lambda match: f"$${match[1]}$$" if _FORMULA.search(match[1]) else match[0])


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
    return not re.match(r"\s*(?:[-*+] |\d+[.)] |#{1,6} |\||---)", line.text[quote.end() if quote else 0 :])


def _close_in(lines: list[Line], start: int, end: int, repairs: list[Repair]) -> None:
    paragraph = [line.text for line in lines[start:end]]
    if lines[start].code or sum(text.count("**") for text in paragraph) == 0:
        return
    if paragraph[0].lstrip().startswith("|"):
        return
    bare = [_without_code(text) for text in paragraph]
    for offset, text in enumerate(paragraph):
        if re.search(r"(?<![\w*])\*\* +[^*\s][^*]*? +\*\*(?![\w*])", bare[offset]) and bare[offset].count("**") == 2:
            mended = re.sub(r"\*\* +([^*\s][^*]*?) +\*\*", r"**\1**", text)
            _replace(lines, start + offset, mended, repairs, "spaces inside ** dropped")
            bare[offset] = _without_code(mended)
    if re.search(r"\*\*\*|(?<!\*)\*(?!\*)\S", "\n".join(bare)) or any("****" in text for text in bare):
        return
    if sum(len(_STRONG.findall(text)) for text in bare) % 2 == 0:
        return
    offset = max(number for number, text in enumerate(bare) if "**" in text)
    _close_last(lines, start + offset, bare[offset], repairs)


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
    lines[at] = Line(lines[at].number, text, lines[at].code)


def _without_code(text: str) -> str:
    """The line with inline code blanked out, of equal length; escaped stars too."""
    blanked = _CODE.sub(lambda match: "x" * len(match[0]), text)
    return blanked.replace("\\*", "xx")


def _outside_code(line: str, pattern: re.Pattern[str], replacement: str | Callable[[re.Match[str]], str]) -> str:
    pieces, at = [], 0
    for code in _CODE.finditer(line):
        pieces += [pattern.sub(replacement, line[at : code.start()]), code[0]]
        at = code.end()
    return "".join([*pieces, pattern.sub(replacement, line[at:])])


def _by_line(text: str, mend: Callable[[str], str], kind: str, message: str) -> tuple[str, list[Repair]]:
    lines, repairs = [], []
    for line in scan(text):
        mended = line.text if line.code else mend(line.text)
        if mended != line.text:
            repairs.append(Repair(kind, line.number, message))
        lines.append(mended)
    return ("\n".join(lines), repairs) if repairs else (text, [])
