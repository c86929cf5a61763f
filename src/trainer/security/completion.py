"""Screening of what a model wrote: forms that would carry data out, raw HTML and secrets, each with line and column."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Iterator

from trainer.core.errors import Where
from trainer.core.secrets import find_secrets
from trainer.core.values import Finding, Severity, Verdict

_URL = r"(?P<url>(?:https?:)?//[^\s)<>\"']{1,4000}|data:[^\s)<>\"']{1,200})"
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("image", re.compile(r"!\[[^\]\n]{0,300}\]\(\s?<?" + _URL, re.IGNORECASE)),
    ("link", re.compile(r"(?<!!)\[[^\]\n]{1,300}\]\(\s?<?" + _URL, re.IGNORECASE)),
    ("definition", re.compile(r"^ {0,3}\[[^\]\n]{1,300}\]:\s{0,3}<?" + _URL, re.IGNORECASE | re.MULTILINE)),
    ("link", re.compile(r"<" + _URL + ">", re.IGNORECASE)),
    ("image", re.compile(r"<(?:img|image|source|video|audio|embed|object|iframe|link|input|body|table|td)\b[^>]{0,500}?"
                         r"\b(?:src|srcset|href|data|background|poster)\s?=\s?[\"']?\s?" + _URL, re.IGNORECASE)),
    ("image", re.compile(r"(?:url\(|@import)\s?[\"']?\s?" + _URL, re.IGNORECASE)),
)  # fmt: skip
_HTML = re.compile(r"</?(?P<tag>[A-Za-z][A-Za-z0-9-]{0,30})(?=[\s/>])|<!--|<!doctype", re.IGNORECASE)
_SCHEME = re.compile(r"\]\(\s?<?(?P<scheme>javascript|vbscript|file|data):", re.IGNORECASE)
_FENCE = re.compile(r"^ {0,3}(?P<fence>`{3,}|~{3,})", re.MULTILINE)
_CODE = re.compile(r"(?<!`)`(?!`)[^`\n]{1,500}`(?!`)")


def screen_completion(text: str, *, allowed_hosts: Iterable[str] = (), shown: str = "completion") -> Verdict:
    """What in the text would be fetched or followed, is raw HTML, or is a secret; code is left out.

    An image of a host that is not allowed is an error (showing it would call that host); so is a link whose address
    carries a long value. Other links are not reported. Raw HTML is a note: conversion makes it harmless.
    """
    hosts = frozenset(host.lower() for host in allowed_hosts)
    prose = _without_code(text)
    found = [*_addresses(prose, hosts), *_schemes(prose), *_html(prose), *_secrets(text)]
    findings = {(at, finding.kind): _placed(finding, text, at, shown) for at, finding in found}
    return Verdict(tuple(findings[key] for key in sorted(findings)))


def _addresses(text: str, hosts: frozenset[str]) -> Iterator[tuple[int, Finding]]:
    for form, pattern in _FORMS:
        for match in pattern.finditer(text):
            url = match["url"]
            host = _host(url)
            if _is_allowed(host, hosts):
                continue
            if form == "image":
                name = f"would be fetched from {host}" if host else "is written into the text as data"
                yield (
                    match.start(),
                    _issue("output.image", "error", f"an image {name}", url, "remove it or allow its host"),
                )
            elif _carries_data(url):
                hint = "remove the link, or the part after ?"
                yield match.start(), _issue("output.link", "error", f"a link carries data to {host}", url, hint)


def _host(url: str) -> str:
    try:
        return (urllib.parse.urlsplit(url).hostname or "").lower()
    except ValueError:
        return "an unreadable host"


def _is_allowed(host: str, hosts: frozenset[str]) -> bool:
    return bool(host) and any(host == allowed or host.endswith(f".{allowed}") for allowed in hosts)


def _carries_data(url: str) -> bool:
    """Whether the query, the fragment or one path step holds a value longer than an identifier needs."""
    try:
        address = urllib.parse.urlsplit(url)
    except ValueError:
        return True
    values = [value for _, value in urllib.parse.parse_qsl(address.query)]
    steps = [step for step in address.path.split("/") if "-" not in step.strip("-")]
    return (
        "@" in address.netloc
        or any(len(value) > 40 or " " in value for value in values)
        or any(len(urllib.parse.unquote(step)) > 80 for step in steps)
        or len(address.fragment) > 120
    )


def _schemes(text: str) -> Iterator[tuple[int, Finding]]:
    for match in _SCHEME.finditer(text):
        scheme = match["scheme"].lower()
        yield match.start(), _issue("output.scheme", "error", f"a link runs {scheme}:", match[0], "remove the link")


def _html(text: str) -> Iterator[tuple[int, Finding]]:
    for match in _HTML.finditer(text):
        active = (match["tag"] or "").lower() in (
            "script",
            "iframe",
            "object",
            "embed",
            "form",
            "svg",
            "style",
            "link",
            "meta",
        )
        severity: Severity = "warning" if active else "note"
        yield match.start(), _issue("output.html", severity, "raw HTML", match[0], "it is shown as text, not run")


def _secrets(text: str) -> Iterator[tuple[int, Finding]]:
    for secret in find_secrets(text):
        said = f"looks like a secret: {secret.kind.replace('_', ' ')}"
        yield secret.start, _issue(f"secret.{secret.kind}", "error", said, "", "revoke it, and find how it came in")


def _issue(kind: str, severity: Severity, message: str, text: str, hint: str) -> Finding:
    return Finding(kind=kind, severity=severity, message=message, text=text[:200], hint=hint)


def _placed(finding: Finding, text: str, at: int, shown: str) -> Finding:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return Finding(
        kind=finding.kind,
        severity=finding.severity,
        message=finding.message,
        where=Where(shown, line, column),
        text=finding.text,
        hint=finding.hint,
    )


def _without_code(text: str) -> str:
    """The text with fenced blocks and code spans blanked, every other character in its place."""
    parts: list[str] = []
    fence = ""
    for line in text.splitlines(keepends=True):
        opening = _FENCE.match(line)
        if fence:
            closes = opening is not None and opening["fence"].startswith(fence) and not line.strip().strip(fence[0])
            fence = "" if closes else fence
            parts.append(_blank(line))
        elif opening and "`" not in line[opening.end() :]:
            fence = opening["fence"]
            parts.append(_blank(line))
        else:
            parts.append(_CODE.sub(lambda match: _blank(match[0]), line))
    return "".join(parts)


def _blank(line: str) -> str:
    return "".join(char if char in "\r\n" else " " for char in line)
