"""Repairs of the whole answer: what stands around the document and does not belong to it."""

from __future__ import annotations

import re

from trainer.convert.repair.lines import Repair, closes, scan
from trainer.core.frontmatter import split_front_matter
from trainer.core.reasoning import split_reasoning

_CHANNEL = re.compile(r"<\|(?:start\|>\w{1,40})?<?\|?channel\|>\s*(?:analysis|commentary|thought)\b")
_NEXT_CHANNEL = re.compile(r"<\|channel\|>\s{0,9}final|<\|start\|>")
_TITLE = re.compile(r"^#{1,2} \S", re.MULTILINE)
_TOKENS = re.compile(
    r"(?:<\|start\|>assistant)?<\|channel\|>\s*final\s*(?:<\|constrain\|>\w+)?<\|message\|>"
    r"|<\|(?:im_start|start_header_id)\|>\s*assistant\s*(?:<\|end_header_id\|>)?\n*"
    r"|<\|(?:im_end|im_start|endoftext|eot_id|end|return|assistant|message|start|end_of_text|begin_of_text)\|>\n?"
    r"|<｜[^｜\n]{1,40}｜>|\[/?INST\]|</?s>(?=\s*\Z)|<end_of_turn>|<start_of_turn>model\n?"
)
_MARKDOWN_FENCE = re.compile(r"^(`{3,}|~{3,})[ \t]*(markdown|md|mdx|gfm|text|txt|html)?[ \t]*$", re.IGNORECASE)
_LOOKS_MARKDOWN = re.compile(r"^(?:#{1,6} |[-*+] \S|\d+[.)] \S|\|.+\||---\s*$|> )|\*\*\S", re.MULTILINE)
_CHATTER = re.compile(
    r"\A(?:(?:sure|certainly|of course|absolutely|okay|ok|great|here(?:'s|’s| is| are)|below is|"
    r"the (?:following|report)|"
    r"i(?:'ve|’ve| have)|this is|as requested|please find)\b[^\n]{0,200})\Z",
    re.IGNORECASE,
)
_AFTERWORD = re.compile(
    r"\A(?:let me know|i hope|hope this|feel free|please let me|would you like|if you|this report|is there anything|"
    r"note that this)\b[^\n]{0,300}\Z",
    re.IGNORECASE,
)
_SETTING = re.compile(r"[a-z][a-z0-9_-]*")
_YAML_FENCE = re.compile(
    r"\A\s*```(?:ya?ml|front-?matter)?[ \t]*\n(---[ \t]*\n.*?\n---)[ \t]*\n```[ \t]*\n?", re.DOTALL
)


def strip_reasoning(text: str) -> tuple[str, list[Repair]]:
    """The text without blocks of reasoning; one that is never closed ends where the document's title stands."""
    answer, reasoning = split_reasoning(text)
    if reasoning and not answer.strip():
        title = _TITLE.search(text)
        answer = text[title.start() :] if title else reasoning
    return (answer, [Repair("reasoning", 1, "reasoning dropped")]) if answer != text else (text, [])


def strip_tokens(text: str) -> tuple[str, list[Repair]]:
    """The text without a model's control tokens and hidden channels."""
    if not any(mark in text for mark in ("<|", "<｜", "[INST]", "[/INST]", "</s>", "_of_turn>")):
        return text, []
    if any("<|" in line.text and (line.code or "`" in line.text) for line in scan(text)):
        return text, []
    pieces, at = [], 0
    while channel := _CHANNEL.search(text, at):
        following = _NEXT_CHANNEL.search(text, channel.end())
        pieces.append(text[at : channel.start()])
        at = following.start() if following else len(text)
    stripped = _TOKENS.sub("", "".join([*pieces, text[at:]]))
    return (stripped, [Repair("tokens", 1, "control tokens dropped")]) if stripped != text else (text, [])


def unescape_lines(text: str) -> tuple[str, list[Repair]]:
    r"""Line ends written as `\n` in an answer that is one line, as in a JSON string."""
    body = text.strip()
    if "\n" in body or body.count("\\n") < 2 or not re.search(r"\\n(?:\\n|#|-|\||\d\.)", body):
        return text, []
    if body[:1] == body[-1:] == '"':
        body = body[1:-1]
    mended = body.replace("\\r", "").replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')
    return mended + "\n", [Repair("newlines", 1, r"\n written out as line ends")]


def unwrap_answer(text: str) -> tuple[str, list[Repair]]:
    """The document out of a fence around the whole answer, and out of the chatter around that fence."""
    lines = text.split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if len(filled) < 2:
        return text, []
    start = next((number for number in filled if _MARKDOWN_FENCE.match(lines[number].strip())), None)
    if start is None or not all(_CHATTER.match(lines[number].strip()) for number in filled if number < start):
        return text, []
    match = _MARKDOWN_FENCE.match(lines[start].strip())
    assert match
    end = _end_of_answer(lines, start, match[1])
    inner = "\n".join(lines[start + 1 : end])
    if not match[2] and not _LOOKS_MARKDOWN.search(inner):
        return text, []
    if (match[2] or "").lower() in ("text", "txt", "html") and not re.search(r"^#{1,6} ", inner, re.MULTILINE):
        return text, []
    after = [line for line in lines[end + 1 :] if line.strip()] if end is not None else []
    if end is None and not any(number < start for number in filled) and not match[2]:
        return text, []
    if not all(_AFTERWORD.match(line.strip()) for line in after):
        return text, []
    unwrapped = Repair("unwrapped", start + 1, "fence around the whole answer dropped")
    inner, reasoning = strip_reasoning(inner.strip("\n") + "\n")
    return inner, [unwrapped, *reasoning]


def _end_of_answer(lines: list[str], start: int, fence: str) -> int | None:
    """The line of the last closing fence, which is the answer's own; None where it was left open."""
    closing = [number for number in range(start + 1, len(lines)) if closes(lines[number], fence)]
    opening = [
        number
        for number in range(start + 1, len(lines))
        if lines[number].strip().startswith(fence) and not closes(lines[number], fence)
    ]
    return closing[-1] if len(closing) > len(opening) else None


def fix_front_matter(text: str) -> tuple[str, list[Repair]]:
    """One front matter: out of a fence, and without a second one right after it; rules around `Words: text` stay."""
    repairs = []
    if match := _YAML_FENCE.match(text):
        text = f"{match[1]}\n{text[match.end() :]}"
        repairs.append(Repair("front_matter", 1, "front matter taken out of its fence"))
    if not text.startswith("---"):
        return text, repairs
    front = split_front_matter(text)
    again = front.body.lstrip("\n")
    if front.meta and again.startswith("---"):
        second = split_front_matter(again)
        if second.meta and all(_SETTING.fullmatch(key) for key in second.meta):
            text = text[: len(text) - len(front.body)] + second.body
            repairs.append(Repair("front_matter", front.body_line, "second front matter dropped"))
    return text, repairs
