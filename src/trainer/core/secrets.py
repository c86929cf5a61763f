"""Secrets: known by their shape or by where they came from, and kept out of every log, record and error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote, quote_plus

from trainer.core.values import Json

MASK = "********"
"""Stands for every secret: one word, so that masking twice, or with other secrets at hand, gives the same text."""

_SHORTEST = 4
"""Letters a value must have to be masked by itself: `1` or `on` would take ordinary text along."""


class Secret:
    """A value that shows itself to nobody who does not ask for `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str | None) -> None:
        self._text = text or ""

    def __repr__(self) -> str:
        return f"Secret({MASK!r})" if self._text else "Secret(None)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")

    def __bool__(self) -> bool:
        return bool(self._text)

    def reveal(self) -> str:
        """The value itself."""
        return self._text


_kept: dict[str, tuple[str, ...]] = {}
"""What came from the environment, a key file or a keyring in this process, with its spellings in URLs and JSON.

One table for the whole process, since a secret must not depend on whether an error, a log or a record far away was told
of it.
"""


def keep_secret(text: str | None, *, shortest: int = 8) -> Secret:
    """The value as a secret that every mask hides from now on, whatever its shape: it is one by its origin.

    Values of fewer than `shortest` letters are not hidden in running text: `8080` or `ABBV` would take words along.
    """
    if text and len(text) >= max(shortest, _SHORTEST):
        _kept.setdefault(text, tuple(_spellings([text])))
    return Secret(text)


def is_secret_name(name: str) -> bool:
    """Whether a setting or header of that name holds a secret: `api_key`, `x-auth-token`, `Authorization` …."""
    return _SECRET_NAME.search(name) is not None


def forget_secrets() -> None:
    """Hide none of the kept values any more; for tests, which share a process."""
    _kept.clear()


@dataclass(frozen=True, slots=True)
class SecretSpan:
    """Where a secret stands in a text; its value is not kept."""

    kind: str
    """`openai_key`, `github_token` …"""
    start: int
    end: int


_ESCAPED = r"(?<=%[0-9A-Fa-f][0-9A-Fa-f])"
_START = rf"(?:(?<![A-Za-z0-9_\-])|{_ESCAPED})"
"""No letter before it, or one that is the end of an escaped space or sign: `?q=%20ghp_…`."""
_WORD = rf"(?:\b|{_ESCAPED})"
_PEM = r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[^-]*(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?"
# kind, a word without which the shape is not looked for, the shape; `value` is what is masked where not all of it is
_SHAPES: tuple[tuple[str, str, str], ...] = (
    ("anthropic_key", "sk-ant-", _START + r"sk-ant-[A-Za-z0-9_\-]{16,}"),
    ("openrouter_key", "sk-or-", _START + r"sk-or-[A-Za-z0-9_\-]{16,}"),
    ("openai_key", "sk-", _START + r"sk-(?=[A-Za-z_\-]{0,60}[0-9])[A-Za-z0-9_\-]{16,}"),
    ("service_key", "pk-", _START + r"pk-(?=[A-Za-z_\-]{0,60}[0-9])[A-Za-z0-9_\-]{16,}"),
    ("service_key", "rk-", _START + r"rk-(?=[A-Za-z_\-]{0,60}[0-9])[A-Za-z0-9_\-]{16,}"),
    ("github_token", "gh", _WORD + r"gh[pousr]_[A-Za-z0-9]{20,}"),
    ("github_token", "github_pat_", _WORD + r"github_pat_[A-Za-z0-9_]{20,}"),
    ("gitlab_token", "glpat-", _START + r"glpat-[A-Za-z0-9_\-]{16,}"),
    ("aws_key_id", "A", _WORD + r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    ("google_key", "AIza", _START + r"AIza[A-Za-z0-9_\-]{35}"),
    ("google_token", "ya29.", _START + r"ya29\.[A-Za-z0-9_\-]{20,}"),
    ("slack_token", "xox", _START + r"xox[abeoprs]-[A-Za-z0-9\-]{10,}"),
    ("slack_webhook", "hooks.slack.com", r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,}"),
    ("stripe_key", "k_", _WORD + r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("huggingface_token", "hf_", _WORD + r"hf_[A-Za-z0-9]{20,}"),
    ("npm_token", "npm_", _WORD + r"npm_[A-Za-z0-9]{30,}"),
    ("pypi_token", "pypi-", _START + r"pypi-[A-Za-z0-9_\-]{40,}"),
    ("sendgrid_key", "SG.", _START + r"SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}"),
    ("groq_key", "gsk_", _WORD + r"gsk_[A-Za-z0-9]{20,}"),
    ("replicate_token", "r8_", _WORD + r"r8_[A-Za-z0-9]{20,}"),
    ("xai_key", "xai-", _WORD + r"xai-[A-Za-z0-9]{20,}"),
    ("jwt", "eyJ", _START + r"eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*)?"),
    ("private_key", "PRIVATE KEY", _PEM),
    ("url_password", "://", r"://(?P<value>[^\s/@:\"'<>]{0,100}:[^\s/@\"'<>]{1,200})@"),
    ("url_token", "://", r"://(?P<value>(?=[^\s/@]{0,60}[0-9])[^\s/@:\"'<>?#]{16,200})@"),
    ("url_key", "key=", r"[?&]key=(?P<value>[^&\s\"'\\*${]{8,300})"),
    ("bearer_token", "earer ", r"\b[Bb]earer +(?P<value>(?=[A-Za-z._~+/\-]{0,60}[0-9])[A-Za-z0-9._~+/\-]{12,}=*)"),
    ("bearer_token", "EARER ", r"\bBEARER +(?P<value>[A-Za-z0-9._~+/\-]{12,}=*)"),
    ("basic_credentials", "asic ", r"uthorization[\"']?[:=\s\"']{1,6}[Bb]asic +(?P<value>[A-Za-z0-9+/]{8,}=*)"),
)  # fmt: skip

_NAMED = re.compile(
    r"(?<![a-z0-9])(?:api[_-]?key|apikey|secret|secret[_-]?(?:access[_-]?)?key|access[_-]?token|auth[_-]?token"
    r"|client[_-]?secret|password|passwd|pwd|token|private[_-]?key)[\"']?\s{0,3}(?:=>|[:=])\s{0,3}[\"']?"
    r"(?P<value>(?=[^\s\"',;&<>]{0,60}[0-9])(?=[^\s\"',;&<>]{0,60}[A-Za-z])[^\s\"',;&<>(){}\[\]$]{8,300})",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(
    r"(?:^|[-_])(?:api[-_]?key|password|passwd|pwd|secret|token|authorization|cookie|credentials?|dsn)$"
    r"|^connection_string$|^rabbitmq_url$",
    re.IGNORECASE,
)
_NAMES = ("key", "secret", "token", "passw", "pwd")


def find_secrets(text: str) -> list[SecretSpan]:
    """The secrets in a text that are known by their shape, in order and without overlaps."""
    spans: list[SecretSpan] = []
    for span in sorted(_candidates(text), key=lambda span: (span.start, -span.end)):
        if not spans or span.start >= spans[-1].end:
            spans.append(span)
    return spans


def mask_secrets(text: str, values: Iterable[str | Secret] = ()) -> str:
    """The text with each secret replaced by `MASK`: secrets and `values` whatever their shape, others by theirs."""
    text = mask_known(text, values)
    spans = find_secrets(text)
    if not spans:
        return text
    parts: list[str] = []
    at = 0
    for span in spans:
        parts += [text[at : span.start], MASK]
        at = span.end
    return "".join([*parts, text[at:]])


def mask_known(text: str, values: Iterable[str | Secret] = ()) -> str:
    """The text without secrets and `values`, also as they stand in URLs and in JSON; shapes are not looked for.

    For text of which every letter matters, such as provenance: a shape may be met by chance, a kept value is one.
    """
    if not _kept and not values:  # a check of thousands of reports asks for tens of thousands of texts
        return text
    for spellings in sorted(_kept.values(), key=lambda spellings: -len(spellings[0])):
        for spelling in spellings:
            text = text.replace(spelling, MASK)
    for spelling in _spellings(values):
        text = text.replace(spelling, MASK)
    return text


def mask_json(value: Json, values: Iterable[str | Secret] = (), *, shapes: bool = True) -> Json:
    """The value with every text masked, keys too; a text under a key such as `password` counts as named by it.

    Without `shapes` only secrets and `values` are hidden, as in data of which every letter matters.
    """
    values = tuple(values)
    mask = mask_secrets if shapes else mask_known

    def masked(value: Json, name: str) -> Json:
        if isinstance(value, str):
            label = f"{name}: "
            text = mask(label + value, values)
            return text[len(label) :] if text.startswith(label) else mask(value, values)
        if isinstance(value, Mapping):
            return {mask(str(key), values): masked(item, str(key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [masked(item, name) for item in value]
        return value

    return masked(value, "")


def _spellings(secrets: Iterable[str | Secret]) -> list[str]:
    """The values as texts hold them, the longest first: one may be a part of another."""
    values = {value.reveal() if isinstance(value, Secret) else value for value in secrets}
    long = {value for value in values if len(value) >= _SHORTEST}
    spellings = {spelling for value in long for spelling in (value, quote(value, safe=""), quote_plus(value))}
    spellings |= {json.dumps(value, ensure_ascii=escaped)[1:-1] for value in long for escaped in (True, False)}
    return sorted(spellings, key=lambda value: (-len(value), value))


def _candidates(text: str) -> Iterator[SecretSpan]:
    for kind, marker, shape in _SHAPES:
        if marker in text:
            for match in _compiled(shape).finditer(text):
                start, end = match.span("value" if "value" in match.re.groupindex else 0)
                yield SecretSpan(kind, start, end)
    lowered = text.lower()
    if any(name in lowered for name in _NAMES) and ("=" in text or ":" in text):
        for match in _NAMED.finditer(text):
            yield SecretSpan("named_value", *match.span("value"))


@cache
def _compiled(shape: str) -> re.Pattern[str]:
    return re.compile(shape)
