"""Models behind one face: complete, stream, many at once; cached, priced, within budgets, and told truthfully.

Nothing heavy is imported before it is used; no client library before the first real call.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "AWSBedrockProvider": "litellm_wrapper",
    "AnthropicProvider": "litellm_wrapper",
    "AzureOpenAIProvider": "litellm_wrapper",
    "Budget": "budget",
    "CompletionCache": "cache",
    "DraftProvider": "draft",
    "GoogleVertexProvider": "litellm_wrapper",
    "HuggingFaceProvider": "litellm_wrapper",
    "Job": "chain",
    "LLMProvider": "base",
    "Limits": "budget",
    "LiteLLMProvider": "litellm_wrapper",
    "OllamaProvider": "openai_compatible",
    "OpenAICompatibleProvider": "openai_compatible",
    "OpenAIProvider": "openai_compatible",
    "PROVIDERS": "registry",
    "Policy": "policy",
    "Price": "prices",
    "ReplayProvider": "replay",
    "Request": "request",
    "Stream": "base",
    "complete": "chain",
    "complete_many": "many",
    "create_provider": "registry",
    "estimate": "prices",
    "explain": "request",
    "find_key": "secrets",
    "price": "prices",
    "record": "replay",
    "request_key": "request",
    "scrub": "secrets",
    "warm_up": "litellm_wrapper",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  (one table of names)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"trainer.providers.{home}"), name)
    globals()[name] = value
    return value
