r"""Reasoning that models write into their answers, parted from the answer: `<think>`, `[THINK]`, harmony's channels.

>>> split_reasoning("<think>17 is prime</think>\n\nYes.")
('Yes.', '17 is prime')
>>> split_reasoning("<think>never closed")
('', 'never closed')
"""

from __future__ import annotations

import re
from bisect import bisect_left

_TAGS = "think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis|seed:think|antml:thinking"
_OPENER = (
    rf"(?:<(?P<tag>{_TAGS})>|\[(?P<square>THINK)\]|◁(?P<triangle>think)▷|<\|begin_of_(?P<of>thought)\|>"
    r"|(?:<\|start\|>\w{1,20})?<\|channel\|>\s{0,2}(?P<channel>analysis|commentary|thought)(?:\s[^<]{0,80})?<\|message\|>)"
)
_LEADING = re.compile(
    rf"\s*(?P<fence>(?:`{{3,9}}|~{{3,9}})[ \t]*(?:markdown|md|text|txt|json|html)?[ \t]*\n\s*)?{_OPENER}", re.IGNORECASE
)
_ON_A_LINE = re.compile(rf"^[ \t]{{0,3}}{_OPENER}", re.IGNORECASE | re.MULTILINE)
_OPENER_NEXT = re.compile(_OPENER, re.IGNORECASE)
_BLANK = re.compile(r"\s*")
_CLOSER_ALONE = re.compile(rf"</(?:{_TAGS})>[ \t]*(?:\n\s*|\Z)", re.IGNORECASE)
_HARMONY_END = r"<\|end\|>|(?=<\|start\|>)|(?=<\|channel\|>)"
_FINAL = re.compile(
    r"\s*(?:<\|start\|>\w{1,20})?<\|channel\|>\s{0,2}final(?:\s[^<]{0,80})?<\|message\|>", re.IGNORECASE
)
_LAST_TOKEN = re.compile(r"(?:<\|(?:return|end)\|>)\s*\Z")
_CODE_FENCE = re.compile(r"^[ \t]{0,3}(?:`{3,}|~{3,})", re.MULTILINE)
_LONGEST_OPENER = 160


def split_reasoning(text: str) -> tuple[str, str]:
    """The answer, and the reasoning before and in it; reasoning that is never closed goes to the end of the text.

    A text without reasoning comes back as it is. Code that shows such a tag is an answer.
    """
    if not any(mark in text for mark in ("<", "[THINK]", "[think]", "◁")):
        return text, ""
    reasoning: list[str] = []
    pieces: list[str] = []
    at = 0
    while opener := _LEADING.match(text, at):
        inner, at = _closed(text, opener)
        reasoning.append(inner)
        pieces += [opener["fence"]] if opener["fence"] and at < len(text) else []
    opener = _ON_A_LINE.search(text, at)
    closer = _CLOSER_ALONE.search(text, 0, opener.start() if opener else len(text)) if not reasoning else None
    fences = [fence.start() for fence in _CODE_FENCE.finditer(text)]
    if closer and not _is_code(text, closer.start(), fences):
        reasoning.append(text[: closer.start()])  # the template wrote the opening tag
        at = closer.end()
    searched, open_fences = at, len(pieces)
    # a block that follows another on its line begins a line once the other is gone
    while opener := (_OPENER_NEXT.match(text, at) if searched == at else None) or _ON_A_LINE.search(text, searched):
        between = bisect_left(fences, opener.start()) - bisect_left(fences, at)
        if (open_fences + between) % 2:
            searched = opener.end()
            continue
        pieces.append(text[at : opener.start()])
        open_fences += between
        inner, at = _closed(text, opener)
        searched = at
        reasoning.append(inner)
    answer = "".join([*pieces, text[at:]])
    if final := _FINAL.match(answer):
        answer = _LAST_TOKEN.sub("", answer[final.end() :])
    return answer, "\n\n".join(part.strip() for part in reasoning)


def may_be_reasoning(text: str) -> bool:
    """Whether a text that has only begun is reasoning so far, or may turn out to be."""
    start = text.lstrip()
    if len(start) < _LONGEST_OPENER and (not start or start[0] in "<[◁`~"):
        return not _LEADING.match(text) or not split_reasoning(text)[0]
    return bool(_LEADING.match(text)) and not split_reasoning(text)[0]


def _closed(text: str, opener: re.Match[str]) -> tuple[str, int]:
    """What stands between an opener and its end, and where what comes after begins."""
    if opener["channel"]:
        shape = _HARMONY_END
    elif opener["tag"]:
        shape = rf"</{opener['tag']}>"
    else:
        shape = {"square": r"\[/THINK\]", "triangle": "◁/think▷", "of": r"<\|end_of_thought\|>"}[
            next(name for name in ("square", "triangle", "of") if opener[name])
        ]
    end = re.compile(shape, re.IGNORECASE).search(text, opener.end())
    if end is None:
        return text[opener.end() :], len(text)
    blank = _BLANK.match(text, end.end())
    return text[opener.end() : end.start()], blank.end() if blank else end.end()


def _is_code(text: str, at: int, fences: list[int]) -> bool:
    """Whether a place stands inside a fence or a code span."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return bisect_left(fences, at) % 2 == 1 or line.count("`") % 2 == 1
