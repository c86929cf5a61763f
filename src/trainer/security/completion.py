"""Screening of what a model wrote, before anybody reads it: what it fetches, carries out, gives away or asks for.

A model that obeyed an injected text shows it here at the latest. Each finding has its line and column.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from trainer.core.errors import Where
from trainer.core.secrets import MASK, find_secrets, mask_known, mask_secrets
from trainer.core.values import Finding, Prompt, Severity, Verdict
from trainer.security.addresses import carries_data, host_of, is_allowed
from trainer.security.detect import rule_hits
from trainer.security.leaks import find_leaks, revealed
from trainer.security.normalise import plain
from trainer.security.readings import DecodedText, passages
from trainer.security.requests import find_requests

if TYPE_CHECKING:
    from trainer.core.markdown import MarkdownDocument, Span

_ADDRESS = re.compile(r"\s*(?:https?:)?[\\/]{2}|\s*https?:|\s*data:", re.IGNORECASE)
_TAG = re.compile(
    r"<(?P<end>/?)(?P<tag>[A-Za-z][A-Za-z0-9-]{0,30})(?=[\s/>])(?P<rest>[^<>]{0,4000})|<!--|<!doctype", re.IGNORECASE
)
_FETCHING = re.compile(
    r"(?<![\w-])(?:src|srcset|href|xlink:href|data|background|poster|action|formaction|ping|content|style)\s{0,9}=\s{0,9}"
    r"(?:\"(?P<double>[^\"]{0,4000})|'(?P<single>[^']{0,4000})|(?P<bare>[^\s\"'>]{1,4000}))",
    re.IGNORECASE,
)  # fmt: skip
_STYLE = re.compile(r"(?:url\(|@import)\s{0,9}[\"']?\s{0,9}(?P<url>[^\s)<>\"']{1,4000})", re.IGNORECASE)
_CLICKED = frozenset(("a", "area", "form", "button"))
"""Tags whose address is only followed when a reader acts."""
_ACTIVE = frozenset(("script", "iframe", "object", "embed", "form", "svg", "style", "link", "meta", "base"))
_SCHEME = re.compile(r"\]\(\s{0,9}<?\s{0,9}(?P<scheme>javascript|vbscript|file|data)\s?:", re.IGNORECASE)
_WORD = re.compile(r"\S+")
_READER = "see who asks for it: a report has no reason to"
_ORDERS = frozenset(("injection.override", "injection.marks", "injection.jailbreak"))
"""Kinds of rules for prompts that also mean something in an answer: it will be read by models, too."""

Placed = tuple[int, Finding]
"""An offset into the text, and what stands there."""


def screen_completion(
    text: str, *, prompt: Prompt | None = None, allowed_hosts: Iterable[str] = (), shown: str = "completion"
) -> Verdict:
    """What in an answer would be fetched or followed, gives something away, speaks to its reader, or is raw HTML.

    Errors are what takes effect without a reader's doing, or takes data along: an image of a host that is not among
    `allowed_hosts`, a link whose address carries a value (unless it stands word for word in the prompt's data), a
    secret, the system message. What asks the reader to do something is a warning, and raw HTML, which conversion makes
    harmless, a note. Code is looked through for secrets and for leaks alone.
    """
    from trainer.core.markdown import read_markdown  # 35 ms, which commands that screen no answer need not pay

    hosts = frozenset(host.lower() for host in allowed_hosts)
    document = read_markdown(text, front_matter=False)
    spans = [span for block in document.blocks for span in document.spans(block)]
    prose = _without_code(document, spans)
    decoded = _decoded(plain(text))
    findings = [
        *_links(spans, hosts, prompt),
        *_tags(prose, hosts, prompt),
        *_schemes(prose),
        *_secrets(text, decoded),
        *_orders(prose),
        *((at, _issue("output.reader", "warning", what, words, _READER)) for at, what, words in find_requests(prose)),
    ]
    if prompt is not None:
        findings += find_leaks(text, prompt, decoded=decoded)
    by_place = {(at, finding.kind): _placed(finding, text, at, shown) for at, finding in findings}
    return Verdict(tuple(by_place[key] for key in sorted(by_place)))


def mask_completion(text: str) -> str:
    """The answer without the secrets in it; an encoded passage that holds one is masked whole."""
    folded = plain(text)
    for reading in _decoded(folded):
        passage = folded[reading.start : reading.end]
        if _holds_secret(reading.text):
            text = text.replace(passage, MASK)
    return mask_secrets(text)


def _decoded(text: str) -> list[DecodedText]:
    """The passages of a text in another encoding, words written in entities among them, decoded."""
    words = (match for match in _WORD.finditer(text) if "&" in match[0] and ";" in match[0])
    entities = (DecodedText(html.unescape(match[0]), match.start(), "entities", match.end()) for match in words)
    return [*passages(text, words=0.3), *(one for one in entities if one.text != text[one.start : one.end])]


def _holds_secret(text: str) -> bool:
    return bool(find_secrets(text)) or _known_secret(text) is not None


def _links(spans: Iterable[Span], hosts: frozenset[str], prompt: Prompt | None) -> Iterator[Placed]:
    for span in spans:
        if span.kind in ("link", "image") and _ADDRESS.match(span.target):
            yield from _address(span.kind == "image", span.start, span.target, hosts, prompt)


def _tags(prose: str, hosts: frozenset[str], prompt: Prompt | None) -> Iterator[Placed]:
    """Raw HTML, and what it would fetch: no page of ours does, but other readers of Markdown may."""
    for match in _TAG.finditer(prose):
        tag = (match["tag"] or "").lower()
        yield (
            match.start(),
            _issue(
                "output.html",
                "warning" if tag in _ACTIVE else "note",
                "raw HTML",
                match[0][:80],
                "it is shown as text, not run",
            ),
        )
        for attribute in _FETCHING.finditer(match["rest"] or ""):
            value = html.unescape(attribute["double"] or attribute["single"] or attribute["bare"] or "")
            if _ADDRESS.match(value):
                yield from _address(tag not in _CLICKED, match.start(), value, hosts, prompt)
    for match in _STYLE.finditer(prose):
        if _ADDRESS.match(match["url"]):
            yield from _address(True, match.start(), match["url"], hosts, prompt)


def _address(is_fetched: bool, at: int, url: str, hosts: frozenset[str], prompt: Prompt | None) -> Iterator[Placed]:
    host = host_of(url)
    if is_allowed(host, hosts):
        return
    if is_fetched:
        how = f"would be fetched from {host}" if host else "is written into the text as data"
        yield at, _issue("output.image", "error", f"an image {how}", url, "remove it or allow its host")
    elif (what := carries_data(url)) and not (prompt and any(url in text for text in revealed(prompt))):
        hint = "remove the link, or the part of its address that carries it"
        yield at, _issue("output.link", "error", f"a link carries {what} to {host}", url, hint)


def _schemes(prose: str) -> Iterator[Placed]:
    for match in _SCHEME.finditer(prose):
        scheme = match["scheme"].lower()
        yield match.start(), _issue("output.scheme", "error", f"a link runs {scheme}:", match[0], "remove the link")


def _secrets(text: str, decoded: Iterable[DecodedText]) -> Iterator[Placed]:
    hint = "revoke it, and see how it came into the answer"
    for secret in find_secrets(text):
        what = f"looks like a secret: {secret.kind.replace('_', ' ')}"
        yield secret.start, _issue(f"secret.{secret.kind}", "error", what, "", hint)
    if (at := _known_secret(text)) is not None:
        yield at, _issue("secret.known", "error", "a secret of this project's environment", "", hint)
    for reading in decoded:
        if _holds_secret(reading.text):
            what = f"holds a secret, written in {reading.encoding}"
            yield reading.start or 0, _issue("secret.encoded", "error", what, "", hint)


def _known_secret(text: str) -> int | None:
    """Where a value stands that is a secret by its origin; None where there is none."""
    masked = mask_known(text)
    if masked == text:
        return None
    return next((at for at, (one, other) in enumerate(zip(text, masked, strict=False)) if one != other), len(masked))


def _orders(prose: str) -> Iterator[Placed]:
    for hit in rule_hits(prose):
        if hit.kind in _ORDERS and hit.weight >= 0.5:
            message = f'speaks to a model that reads it: "{" ".join(hit.text.split())[:120]}"'
            yield hit.start, _issue("output.instruction", "warning", message, hit.text, "remove the passage")


def _issue(kind: str, severity: Severity, message: str, text: str, hint: str) -> Finding:
    return Finding(kind=kind, severity=severity, message=message, text=text[:200], hint=hint)


def _placed(finding: Finding, text: str, at: int, shown: str) -> Finding:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return replace(finding, where=Where(shown, line, column))


def _without_code(document: MarkdownDocument, spans: Iterable[Span]) -> str:
    """The text with blocks and spans of code blanked, every other character in its place."""
    text = document.text
    code = [(block.start, block.end) for block in document.blocks if block.kind == "code"]
    code += [(span.start, span.end) for span in spans if span.kind == "code"]
    parts: list[str] = []
    at = 0
    for start, end in sorted(code):
        parts += [text[at:start], "".join(char if char in "\r\n" else " " for char in text[start:end])]
        at = max(at, end)
    return "".join([*parts, text[at:]])
