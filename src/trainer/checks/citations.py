"""Quotations, links and references: they exist, and quotations are verbatim."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from trainer.checks.document import APPENDIX_TITLES, read_document, title_of
from trainer.core.errors import Where
from trainer.core.values import Finding, Json, Prompt, Verdict

_QUOTE = re.compile(
    r"“([^“”]{8,1500})”|„([^„“”]{8,1500})[“”]|«\s?([^«»]{8,1500})\s?»|(?<![\w\"])\"([^\"\n]{8,800})\"(?!\w)"
)
_LINK = re.compile(
    r"(?<!!)\[[^\]\n]{0,300}\]\(([^()\s]{1,2000})(?:\s+\"[^\"\n]*\")?\)|(?<![(\w\"])(https?://[^\s<>)\]\"]+)"
)
_FOOTNOTE = re.compile(r"\[\^([^\]\s]{1,80})\](:?)")
_FILE = re.compile(r"(?<![\w/.:\\-])((?:[\w\\-]+/)*[\w\\-]+\.(?:md|txt|pdf))(?!\w)")
_CODE = re.compile(
    r"\A---\n.*?^---$|^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1|\Z)|`[^`\n]+`"
    rf"|^## (?:{'|'.join(APPENDIX_TITLES.values())})$.*?(?=^## |\Z)",
    re.MULTILINE | re.DOTALL,
)
_LEAST_WORDS = 4


def check_citations(text: str, *, prompt: Prompt) -> Verdict:
    """Whether what an answer quotes and refers to exists; `citations` scores the share that does."""
    bare = _CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    prompt_text = _PromptText(prompt)
    citations = [
        *_quotations(bare, prompt_text),
        *_links(bare, text, prompt_text),
        *_footnotes(bare),
        *_files(bare, prompt_text),
    ]
    findings = tuple(finding for finding in citations if finding is not None)
    return Verdict(findings, {"citations": round(1 - len(findings) / len(citations), 4) if citations else 1.0})


class _PromptText:
    """What the prompt held, as it is compared."""

    def __init__(self, prompt: Prompt) -> None:
        self.text = given_text(prompt)
        self.plain = plain(self.text)
        self.files = {context.path for context in prompt.contexts} | {prompt.instruction}
        self.hosts = {urlsplit(part).netloc for part in re.findall(r"https?://[^\s<>)\]\"]+", self.text)}

    def holds(self, quotation: str) -> bool:
        """Whether the quotation stands in it, its parts in order where it leaves words out."""
        at = 0
        for part in re.split(r"\[?(?:…|\.\.\.)\]?", quotation):
            words = plain(part).strip(" .,;:!?")
            if not words:
                continue
            start = self.plain.find(words, at)
            if start < 0:
                return False
            at = start + len(words)
        return True

    def nearest(self, quotation: str) -> str:
        """The sentence that shares most words with a quotation, or nothing."""
        wanted = set(plain(quotation).split())
        best = max(
            re.split(r"(?<=[.!?])\s+|\n{2,}", self.text),
            key=lambda part: len(wanted & set(plain(part).split())),
            default="",
        )
        return " ".join(best.split())[:300] if len(wanted & set(plain(best).split())) >= len(wanted) / 2 else ""


def given_text(prompt: Prompt) -> str:
    """All the words a prompt held: instruction, parameters, contexts, and the texts and subjects of its data."""
    parts = [
        prompt.title,
        prompt.body,
        prompt.system,
        *(context.title + "\n\n" + context.text for context in prompt.contexts),
    ]
    parts.extend(str(value) for value in prompt.params.values())
    for block in prompt.data:
        parts.extend([block.subject or "", block.source, block.key, *_texts(block.data)])
        parts.extend(meaning.title for meaning in block.fields.values())
    return "\n".join(parts)


def plain(text: str) -> str:
    """Text as quotations are compared: one space, plain quotes and dashes, no Markdown marks, case folded."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"[“”„«»\"‘’‚‹›'`*_]", "", text)
    text = re.sub(r"[‐-―−]", "-", text)
    return " ".join(text.split())


def _quotations(text: str, prompt_text: _PromptText) -> Iterator[Finding | None]:
    for match in _QUOTE.finditer(text):
        quotation = next(group for group in match.groups() if group)
        if len(quotation.split()) < _LEAST_WORDS:
            continue
        if prompt_text.holds(quotation):
            yield None
            continue
        close = prompt_text.nearest(quotation)
        hint = f'the source says: "{close}"' if close else "quote only what the contexts or data say"
        message = "this quotation stands in no context and no data"
        yield Finding("false_quotation", "error", message, _place(text, match.start()), match[0], hint)


def _links(text: str, whole: str, prompt_text: _PromptText) -> Iterator[Finding | None]:
    for match in _LINK.finditer(text):
        target = (match[1] or match[2]).rstrip(".,;:")
        if _exists(target, whole, prompt_text):
            yield None
            continue
        message = f"nothing given to the model names the link {target}"
        yield Finding("unknown_link", "warning", message, _place(text, match.start()), target, "remove the link")


def _exists(target: str, whole: str, prompt_text: _PromptText) -> bool:
    if target.startswith("#"):
        anchors = {_anchor(block.text.strip().lstrip("#")) for block in read_document(whole).headings}
        return target[1:].casefold() in anchors
    if target.startswith(("http://", "https://")):
        return target in prompt_text.text or (
            urlsplit(target).path in ("", "/") and urlsplit(target).netloc in prompt_text.hosts
        )
    return target in prompt_text.text or target.removeprefix("./") in prompt_text.files


def _anchor(title: str) -> str:
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", title_of(title)).strip())


def _footnotes(text: str) -> Iterator[Finding | None]:
    uses = [(match[1], match.start()) for match in _FOOTNOTE.finditer(text) if not match[2]]
    notes = {match[1] for match in _FOOTNOTE.finditer(text) if match[2]}
    for name, at in uses:
        if name in notes:
            yield None
        else:
            message = f'the footnote "{name}" is not written'
            yield Finding("missing_reference", "warning", message, _place(text, at), f"[^{name}]")


def _files(text: str, prompt_text: _PromptText) -> Iterator[Finding | None]:
    names = {path.rpartition("/")[2] for path in prompt_text.files}
    for match in _FILE.finditer(text):
        path = match[1].replace("\\", "")
        if path in prompt_text.files or path in names or path in prompt_text.text:
            yield None
        else:
            message = f"there is no context {path}"
            yield Finding("unknown_source", "warning", message, _place(text, match.start()), path)


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _place(text: str, offset: int) -> Where:
    return Where("answer", text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
