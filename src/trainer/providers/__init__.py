"""Models behind one face: complete, stream, many at once; cached, priced, within budgets, and told truthfully.

No client library is imported before the first real call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.face import face
from trainer.core.values import CompletionResult
from trainer.providers.structured import structured  # the name of its module, which would hide it

if TYPE_CHECKING:
    from trainer.providers.base import CompletionStream, CustomProvider, LLMProvider
    from trainer.providers.batch import BatchResult, BatchRow, Progress, complete_rows
    from trainer.providers.budget import Budget, Limits, ScopedLimit
    from trainer.providers.cache import CompletionCache
    from trainer.providers.client import Client, LiveOutput, complete, worst_cost
    from trainer.providers.litellm_wrapper import (
        AnthropicProvider,
        AWSBedrockProvider,
        AzureOpenAIProvider,
        GoogleVertexProvider,
        HuggingFaceProvider,
        LiteLLMProvider,
    )
    from trainer.providers.local import LocalProvider
    from trainer.providers.loop import run_on_loop
    from trainer.providers.openai_compatible import OllamaProvider, OpenAICompatibleProvider, OpenAIProvider
    from trainer.providers.pacing import RateLimits
    from trainer.providers.policy import RetryPolicy
    from trainer.providers.pool import CallOutcome, CompletionCall, complete_all, complete_many, iterate_many
    from trainer.providers.prices import Price, price, price_at
    from trainer.providers.registry import PROVIDERS, create_provider
    from trainer.providers.replay import ReplayProvider, record
    from trainer.providers.request import Request, explain
    from trainer.providers.sagemaker import AWSSageMakerProvider
    from trainer.providers.secrets import find_key, where_to_keep
    from trainer.providers.structured import check_schema

__all__ = [
    "PROVIDERS",
    "AWSBedrockProvider",
    "AWSSageMakerProvider",
    "AnthropicProvider",
    "AzureOpenAIProvider",
    "BatchResult",
    "BatchRow",
    "Budget",
    "CallOutcome",
    "Client",
    "CompletionCache",
    "CompletionCall",
    "CompletionResult",
    "CompletionStream",
    "CustomProvider",
    "GoogleVertexProvider",
    "HuggingFaceProvider",
    "LLMProvider",
    "Limits",
    "LiteLLMProvider",
    "LiveOutput",
    "LocalProvider",
    "OllamaProvider",
    "OpenAICompatibleProvider",
    "OpenAIProvider",
    "Price",
    "Progress",
    "RateLimits",
    "ReplayProvider",
    "Request",
    "RetryPolicy",
    "ScopedLimit",
    "check_schema",
    "complete",
    "complete_all",
    "complete_many",
    "complete_rows",
    "create_provider",
    "explain",
    "find_key",
    "iterate_many",
    "price",
    "price_at",
    "record",
    "run_on_loop",
    "structured",
    "where_to_keep",
    "worst_cost",
]

__getattr__ = face(
    __name__,
    {
        "base": "CompletionStream CustomProvider LLMProvider",
        "batch": "BatchResult BatchRow Progress complete_rows",
        "budget": "Budget Limits ScopedLimit",
        "cache": "CompletionCache",
        "client": "Client LiveOutput complete worst_cost",
        "litellm_wrapper": "AnthropicProvider AWSBedrockProvider AzureOpenAIProvider "
        "GoogleVertexProvider HuggingFaceProvider LiteLLMProvider",
        "local": "LocalProvider",
        "loop": "run_on_loop",
        "openai_compatible": "OllamaProvider OpenAICompatibleProvider OpenAIProvider",
        "pacing": "RateLimits",
        "policy": "RetryPolicy",
        "pool": "CallOutcome CompletionCall complete_all complete_many iterate_many",
        "prices": "Price price price_at",
        "registry": "PROVIDERS create_provider",
        "replay": "ReplayProvider record",
        "request": "Request explain",
        "sagemaker": "AWSSageMakerProvider",
        "secrets": "find_key where_to_keep",
        "structured": "check_schema",
    },
)
