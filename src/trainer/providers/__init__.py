"""Models behind one face: complete, stream, many at once; cached, priced, within budgets, and told truthfully.

Nothing heavy is imported before it is used; no client library before the first real call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.faces import lazy_face
from trainer.core.values import CompletionResult as CompletionResult

if TYPE_CHECKING:
    from trainer.providers.base import LLMProvider as LLMProvider
    from trainer.providers.base import Stream as Stream
    from trainer.providers.batch import BatchResult as BatchResult
    from trainer.providers.batch import Progress as Progress
    from trainer.providers.batch import Row as Row
    from trainer.providers.batch import complete_rows as complete_rows
    from trainer.providers.budget import Budget as Budget
    from trainer.providers.budget import Limits as Limits
    from trainer.providers.cache import CompletionCache as CompletionCache
    from trainer.providers.chain import Job as Job
    from trainer.providers.chain import complete as complete
    from trainer.providers.custom import CustomProvider as CustomProvider
    from trainer.providers.litellm_wrapper import AnthropicProvider as AnthropicProvider
    from trainer.providers.litellm_wrapper import AWSBedrockProvider as AWSBedrockProvider
    from trainer.providers.litellm_wrapper import AzureOpenAIProvider as AzureOpenAIProvider
    from trainer.providers.litellm_wrapper import GoogleVertexProvider as GoogleVertexProvider
    from trainer.providers.litellm_wrapper import HuggingFaceProvider as HuggingFaceProvider
    from trainer.providers.litellm_wrapper import LiteLLMProvider as LiteLLMProvider
    from trainer.providers.litellm_wrapper import warm_up as warm_up
    from trainer.providers.many import complete_many as complete_many
    from trainer.providers.many import iterate_many as iterate_many
    from trainer.providers.openai_compatible import OllamaProvider as OllamaProvider
    from trainer.providers.openai_compatible import OpenAICompatibleProvider as OpenAICompatibleProvider
    from trainer.providers.openai_compatible import OpenAIProvider as OpenAIProvider
    from trainer.providers.policy import Policy as Policy
    from trainer.providers.prices import Price as Price
    from trainer.providers.prices import estimate as estimate
    from trainer.providers.prices import price as price
    from trainer.providers.prices import price_at as price_at
    from trainer.providers.registry import PROVIDERS as PROVIDERS
    from trainer.providers.registry import create_provider as create_provider
    from trainer.providers.replay import ReplayProvider as ReplayProvider
    from trainer.providers.replay import record as record
    from trainer.providers.request import Request as Request
    from trainer.providers.request import explain as explain
    from trainer.providers.request import request_key as request_key
    from trainer.providers.sagemaker import AWSSageMakerProvider as AWSSageMakerProvider
    from trainer.providers.secrets import find_key as find_key
    from trainer.providers.secrets import where_to_keep as where_to_keep

_HOMES = {
    "AWSBedrockProvider": "litellm_wrapper",
    "AWSSageMakerProvider": "sagemaker",
    "AnthropicProvider": "litellm_wrapper",
    "AzureOpenAIProvider": "litellm_wrapper",
    "BatchResult": "batch",
    "Budget": "budget",
    "CompletionCache": "cache",
    "CustomProvider": "custom",
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
    "Progress": "batch",
    "ReplayProvider": "replay",
    "Request": "request",
    "Row": "batch",
    "Stream": "base",
    "complete": "chain",
    "complete_many": "many",
    "complete_rows": "batch",
    "create_provider": "registry",
    "estimate": "prices",
    "explain": "request",
    "find_key": "secrets",
    "iterate_many": "many",
    "price": "prices",
    "price_at": "prices",
    "record": "replay",
    "request_key": "request",
    "warm_up": "litellm_wrapper",
    "where_to_keep": "secrets",
}

__all__ = sorted(["CompletionResult", *_HOMES])  # noqa: PLE0605  (one table of names)

__getattr__ = lazy_face(__name__, _HOMES)
