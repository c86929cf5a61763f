"""Addresses in what a model wrote: which host they call, and what they take along."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator

from trainer.security.readings import passages

_IGNORED = re.compile(r"[\t\n\r]")
_LABEL = 40
"""Letters of one part of a host's name beyond which it is no name: words are sent out by the name server, too."""
_VALUE = 40
"""Letters of one value of a query beyond which it is more than an identifier."""
_STEP = 80
"""Letters of one step of a path without a hyphen: titles of pages are long, but their words are joined by hyphens."""
_FRAGMENT = 120


def host_of(url: str) -> str:
    """The host that a browser would call, in lower case; empty where the address holds the content itself."""
    try:
        return (urllib.parse.urlsplit(_as_browsers_read(url)).hostname or "").lower()
    except ValueError:
        return "an unreadable host"


def is_allowed(host: str, hosts: frozenset[str]) -> bool:
    """Whether a host is one of `hosts` or below one of them."""
    return bool(host) and any(host == allowed or host.endswith(f".{allowed}") for allowed in hosts)


def carries_data(url: str) -> str:
    """What an address takes to its host besides a name: `a long value`, `encoded words` …; empty for none."""
    try:
        address = urllib.parse.urlsplit(_as_browsers_read(url))
    except ValueError:
        return "an unreadable address"
    if "@" in address.netloc:
        return "a user name"
    if any(len(label) > _LABEL for label in (address.hostname or "").split(".")):
        return "a long name of a host"
    for value in _values(address):
        if next(passages(value), None) is not None:
            return "encoded words"
    queries = [value for _, value in urllib.parse.parse_qsl(address.query, keep_blank_values=True)] or [address.query]
    if any(len(value) > _VALUE or len(value.split()) > 3 for value in queries):
        return "a long value"
    steps = [step for step in address.path.split("/") if "-" not in step.strip("-")]
    if any(len(urllib.parse.unquote(step)) > _STEP for step in steps) or len(address.fragment) > _FRAGMENT:
        return "a long value"
    return ""


def _values(address: urllib.parse.SplitResult) -> Iterator[str]:
    """Every part of an address that can hold words, as it was before it was escaped."""
    yield from (urllib.parse.unquote(step) for step in address.path.split("/"))
    yield from (text for pair in urllib.parse.parse_qsl(address.query, keep_blank_values=True) for text in pair)
    yield urllib.parse.unquote(address.fragment)


def _as_browsers_read(url: str) -> str:
    r"""The address with what browsers put right: `\` for `/`, line ends inside, one slash for two."""
    url = _IGNORED.sub("", url.strip()).replace("\\", "/")
    scheme, colon, rest = url.partition(":")
    if colon and scheme.lower() in ("http", "https"):
        return f"{scheme}://{rest.lstrip('/')}"
    return url
