"""Secrets by their known shapes: found in prompts, masked in every log, record and error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

MASK = "[secret:{kind}]"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret in a text; its value is not kept."""

    kind: str
    """`openai_key`, `github_token` …"""
    start: int
    end: int


_START = r"(?<![A-Za-z0-9_\-])"
_PEM = r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[^-]*(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?"
_SHAPES: tuple[tuple[str, str, str], ...] = (
    ("anthropic_key", "sk-ant-", _START + r"sk-ant-[A-Za-z0-9_\-]{16,}"),
    ("openrouter_key", "sk-or-", _START + r"sk-or-[A-Za-z0-9_\-]{16,}"),
    ("openai_key", "sk-", _START + r"sk-(?=[A-Za-z_\-]{0,60}[0-9])[A-Za-z0-9_\-]{16,}"),
    ("github_token", "gh", r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    ("github_token", "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{20,}"),
    ("gitlab_token", "glpat-", _START + r"glpat-[A-Za-z0-9_\-]{16,}"),
    ("aws_key_id", "A", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    ("google_key", "AIza", _START + r"AIza[A-Za-z0-9_\-]{35}"),
    ("google_token", "ya29.", _START + r"ya29\.[A-Za-z0-9_\-]{20,}"),
    ("slack_token", "xox", _START + r"xox[abeoprs]-[A-Za-z0-9\-]{10,}"),
    ("slack_webhook", "hooks.slack.com", r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,}"),
    ("stripe_key", "k_", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("huggingface_token", "hf_", r"\bhf_[A-Za-z0-9]{20,}"),
    ("npm_token", "npm_", r"\bnpm_[A-Za-z0-9]{30,}"),
    ("pypi_token", "pypi-", _START + r"pypi-[A-Za-z0-9_\-]{40,}"),
    ("sendgrid_key", "SG.", _START + r"SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}"),
    ("groq_key", "gsk_", r"\bgsk_[A-Za-z0-9]{20,}"),
    ("replicate_token", "r8_", r"\br8_[A-Za-z0-9]{20,}"),
    ("xai_key", "xai-", r"\bxai-[A-Za-z0-9]{20,}"),
    ("jwt", "eyJ", _START + r"eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*)?"),
    ("private_key", "PRIVATE KEY", _PEM),
    ("url_password", "://", r"://[^\s/@:\"'<>]{0,100}:(?P<value>[^\s/@\"'<>]{1,200})@"),
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
_NAMES = ("key", "secret", "token", "passw", "pwd")


def find_secrets(text: str) -> list[Secret]:
    """The secrets in a text, in order and without overlaps."""
    found: list[Secret] = []
    for secret in sorted(_candidates(text), key=lambda secret: (secret.start, -secret.end)):
        if not found or secret.start >= found[-1].end:
            found.append(secret)
    return found


def mask_secrets(text: str, *, known: Iterable[str] = ()) -> str:
    """The text with each secret replaced by `[secret:kind]`; `known` are values secret whatever their shape."""
    for value in sorted((value for value in known if len(value) >= 4), key=len, reverse=True):
        text = text.replace(value, MASK.format(kind="known"))
    secrets = find_secrets(text)
    if not secrets:
        return text
    parts: list[str] = []
    at = 0
    for secret in secrets:
        parts += [text[at : secret.start], MASK.format(kind=secret.kind)]
        at = secret.end
    return "".join([*parts, text[at:]])


def _candidates(text: str) -> Iterator[Secret]:
    for kind, marker, shape in _SHAPES:
        if marker in text:
            for match in _compiled(shape).finditer(text):
                start, end = match.span("value" if "value" in match.re.groupindex else 0)
                yield Secret(kind, start, end)
    lowered = text.lower()
    if any(name in lowered for name in _NAMES) and ("=" in text or ":" in text):
        for match in _NAMED.finditer(text):
            yield Secret("named_value", *match.span("value"))


@cache
def _compiled(shape: str) -> re.Pattern[str]:
    return re.compile(shape)
