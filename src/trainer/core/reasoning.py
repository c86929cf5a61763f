r"""Reasoning that models write into their answers, parted from the answer: `<think>`, `[THINK]`, harmony's channels.

>>> split_reasoning("<think>17 is prime</think>\n\nYes.")
('Yes.', '17 is prime')
>>> split_reasoning("<think>never closed")
('', 'never closed')
"""

from __future__ import annotations

import re

_TAGS = "think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis|seed:think|antml:thinking"
_OPENER = (
    rf"(?:<(?P<tag>{_TAGS})>|\[(?P<square>THINK)\]|◁(?P<triangle>think)▷|<\|begin_of_(?P<of>thought)\|>"
    r"|(?:<\|start\|>\w{1,20})?<\|channel\|>\s{0,2}(?P<channel>analysis|commentary|thought)(?:\s[^<]{0,80})?<\|message\|>)"
)
_LEADING = re.compile(
    rf"\s*(?P<fence>(?:`{{3,9}}|~{{3,9}})[ \t]*(?:markdown|md|text|txt|json|html)?[ \t]*\n\s*)?{_OPENER}", re.IGNORECASE
)
_ON_A_LINE = re.compile(rf"^[ \t]{{0,3}}{_OPENER}", re.IGNORECASE | re.MULTILINE)
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
    answer = text
    while opener := _LEADING.match(answer):
        inner, rest = _closed(answer, opener)
        reasoning.append(inner)
        answer = (opener["fence"] or "") + rest if rest else ""
    opener = _ON_A_LINE.search(answer)
    closer = _CLOSER_ALONE.search(answer, 0, opener.start() if opener else len(answer)) if not reasoning else None
    if closer and not _is_code(answer, closer.start()):
        reasoning.append(answer[: closer.start()])  # the template wrote the opening tag
        answer = answer[closer.end() :]
    at = 0
    while opener := _ON_A_LINE.search(answer, at):
        if _is_code(answer, opener.start()):
            at = opener.end()
            continue
        inner, rest = _closed(answer, opener)
        reasoning.append(inner)
        at = opener.start()
        answer = answer[:at] + rest
    if final := _FINAL.match(answer):
        answer = _LAST_TOKEN.sub("", answer[final.end() :])
    return answer, "\n\n".join(part.strip() for part in reasoning)


def may_be_reasoning(text: str) -> bool:
    """Whether a text that has only begun is reasoning so far, or may turn out to be."""
    start = text.lstrip()
    if len(start) < _LONGEST_OPENER and (not start or start[0] in "<[◁`~"):
        return not _LEADING.match(text) or not split_reasoning(text)[0]
    return bool(_LEADING.match(text)) and not split_reasoning(text)[0]


def _closed(text: str, opener: re.Match[str]) -> tuple[str, str]:
    """What stands between an opener and its end, and what comes after."""
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
        return text[opener.end() :], ""
    return text[opener.end() : end.start()], text[end.end() :].lstrip()


def _is_code(text: str, at: int) -> bool:
    """Whether a place stands inside a fence or a code span."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return len(_CODE_FENCE.findall(text, 0, at)) % 2 == 1 or line.count("`") % 2 == 1
