"""What went wrong, from a status, headers and a body to a ProviderError with its kind and its wait."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from trainer.core.errors import FailureKind, ProviderError
from trainer.core.values import Json
from trainer.providers.limits import wait_for_reset

_BY_STATUS: Mapping[int, FailureKind] = {
    401: "auth",
    402: "payment",
    403: "auth",
    404: "not_found",
    408: "timed_out",
    409: "server",
    425: "server",
    429: "rate_limited",
    504: "timed_out",
}

_TOO_LONG = re.compile(
    r"context.?length|context.?window|maximum context|too many (input )?tokens|prompt is too long"
    r"|input is too long|`inputs` tokens[^.]{0,60}must be <="
    r"|exceeds? the (model'?s )?(available )?context|exceed_context_size",
    re.IGNORECASE,
)
_REFUSED = re.compile(r"content.?(filter|policy|management)|responsibleai|safety system|moderation", re.IGNORECASE)
_NO_CREDIT = re.compile(r"insufficient.?(quota|funds|balance)|billing|out of credit|credit balance", re.IGNORECASE)
_SETTINGS = "temperature|top_p|seed|max_tokens|frequency_penalty|presence_penalty|stop"
_REFUSED_SETTING = re.compile(
    rf"\b({_SETTINGS})\b.{{0,40}}not support|unsupported (?:value|parameter)\W{{1,9}}({_SETTINGS})\b", re.IGNORECASE
)
_WAIT = re.compile(
    r"(?:try again|retry|wait)\D{0,30}?(?:(\d+)\s*m(?:in(?:utes?)?)?\s*)?(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s\b|sec)",
    re.IGNORECASE,
)

_HINTS: Mapping[FailureKind, str] = {
    "auth": "check the key: trainer config show names where it is read from",
    "payment": "add credit at the provider, or choose another model",
    "not_found": "check the model's name and the address of the service",
    "context_too_long": "use fewer contexts, or a model with a larger window",
    "rate_limited": "wait, lower --concurrency, or add a fallback model",
    "unreachable": "check that the service runs and that the address is right",
    "timed_out": "raise the timeout, or ask for a shorter answer",
    "content_refused": "change the prompt, or add a fallback model",
    "cut": "raise llm_provider.max_tokens, or ask for a shorter answer",
    "empty": "ask again with --refresh, raise llm_provider.max_tokens, or choose another model",
}


def failure(
    kind: FailureKind,
    message: str,
    *,
    status: int | None = None,
    retry_after: float | None = None,
    hint: str | None = None,
) -> ProviderError:
    """A ProviderError of this kind with its usual remedy."""
    return ProviderError(message, kind=kind, status=status, retry_after=retry_after, hint=hint or _HINTS.get(kind))


def failure_of_answer(
    service: str, status: int, headers: Mapping[str, str], body: bytes, *, now: Callable[[], datetime] | None = None
) -> ProviderError:
    """What an answer with an error status means; `headers` have lower-case names."""
    message = _said(body)
    kind = kind_of(status, message)
    moment = (now or _utc_now)()
    text = f"{service} answered {status}: {message}" if message else f"{service} answered {status} without a reason"
    setting = _REFUSED_SETTING.search(message) if kind == "bad_request" else None
    hint = f"leave {setting[1] or setting[2]} out of llm_provider and of the instruction's model" if setting else None
    return failure(kind, text, status=status, retry_after=retry_after(headers, body, moment), hint=hint)


def kind_of(status: int | None, message: str) -> FailureKind:
    """The kind of failure of a status and the provider's own words."""
    if status is None or status in (400, 403, 413, 422, 429):
        if _TOO_LONG.search(message) and status != 429:
            return "context_too_long"
        if _NO_CREDIT.search(message):
            return "payment"
        if _REFUSED.search(message) and status != 429:
            return "content_refused"
    if status is None:
        return "server"
    return _BY_STATUS.get(status, "bad_request" if 400 <= status < 500 else "server")


def retry_after(headers: Mapping[str, str], body: bytes, now: datetime) -> float | None:
    """The seconds the provider asks us to wait, from its headers, its body, or its limits' reset."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    if text := headers.get("retry-after"):
        wait = _number(text)
        if wait is None:
            wait = _until(text, now)
        if wait is not None:
            return wait
    in_body = _wait_in_body(body)
    return in_body if in_body is not None else wait_for_reset(headers, now)


def _said(body: bytes) -> str:
    """The provider's own words in an error body, on one line and of a bearable length."""
    text = body.decode("utf-8", "replace").strip()
    try:
        error = json.loads(text)
    except ValueError:
        return " ".join(re.sub(r"<[^>]*>", " ", text).split())[:300]
    if isinstance(error, list) and len(error) == 1:  # Google's
        error = error[0]
    if isinstance(error, dict):
        error = error.get("error", error)
    if isinstance(error, dict):
        detail = error.get("detail") or ""
        if isinstance(detail, list):  # FastAPI's: where, and what is wrong there
            detail = "; ".join(
                f"{'.'.join(map(str, part.get('loc', ())))}: {part.get('msg')}"
                for part in detail
                if isinstance(part, dict)
            )
        parts = [error.get("message") or detail, error.get("code") or error.get("type") or ""]
        words = [str(part) for part in parts if part]
        return " ".join((f"{words[0]} ({words[1]})" if len(words) == 2 else "".join(words)).split())[:500]
    return " ".join(str(error).split())[:300]


def _wait_in_body(body: bytes) -> float | None:
    try:
        wait = _named_wait(json.loads(body))
    except ValueError:
        wait = None
    if wait is not None:
        return wait
    match = _WAIT.search(body[:4000].decode("utf-8", "replace"))
    if match is None:
        return None
    seconds = float(match[2]) / (1000 if match[3].lower().startswith("m") else 1)
    return seconds + 60 * float(match[1] or 0)


def _named_wait(value: Json, depth: int = 0) -> float | None:
    """The wait under one of its usual names: `retry_after`, or Google's `retryDelay: "20s"`."""
    if depth > 5 or not isinstance(value, dict | list):
        return None
    pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    for name, item in pairs:
        if name in ("retry_after", "retryAfter", "retry_after_seconds", "retryDelay", "retry_delay"):
            seconds = _number(str(item).removesuffix("s"))
            if seconds is not None:
                return seconds
        if (inner := _named_wait(item, depth + 1)) is not None:
            return inner
    return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 1e9 else None


def _until(text: str, now: datetime) -> float | None:
    import email.utils  # most failures name no date

    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _utc_now() -> datetime:
    return datetime.now(UTC)
