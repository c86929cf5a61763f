"""What a server refuses to be asked for, so that it is asked without: a response format, usage in streams."""

from __future__ import annotations

import re
from collections.abc import Mapping

from trainer.core.errors import ProviderError
from trainer.providers.base import LLMProvider

_WORDS: Mapping[str, re.Pattern[str]] = {
    "native_schema": re.compile(r"response.?format|json.?schema|structured.?output|json.?mode", re.IGNORECASE),
    "stream_usage": re.compile(r"stream.?options|include.?usage", re.IGNORECASE),
}
"""What a provider may ask for, by the attribute that says whether it does, and how a refusal calls it."""


def asked_for(provider: LLMProvider) -> frozenset[str]:
    """What `provider` asks for beside an answer: `native_schema`, `stream_usage`."""
    return frozenset(name for name in _WORDS if getattr(provider, name, False))


def give_up(provider: LLMProvider, asked: frozenset[str], error: ProviderError) -> bool:
    """Whether `error` refuses what was `asked` for; then `provider` asks for it no more.

    Calls that were under way together are refused together, so what counts is what each had asked for.
    """
    if error.kind != "bad_request" or error.status not in (400, 422):
        return False
    refused = [name for name in asked if _WORDS[name].search(error.message)]
    for name in refused:
        setattr(provider, name, False)
    return bool(refused)
