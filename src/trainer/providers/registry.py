"""The providers by name, one line each, imported on first use."""

from __future__ import annotations

import inspect
from typing import cast

from trainer.core.errors import ConfigError, unknown
from trainer.core.registry import Adapter, Registry
from trainer.core.values import Json
from trainer.providers.base import LLMProvider

_LITELLM = "trainer.providers.litellm_wrapper"

PROVIDERS = Registry(
    "providers",
    {
        "anthropic": Adapter(f"{_LITELLM}:AnthropicProvider", "litellm"),
        "aws_bedrock": Adapter(f"{_LITELLM}:AWSBedrockProvider", "litellm"),
        "azure": Adapter(f"{_LITELLM}:AzureOpenAIProvider", "litellm"),
        "azure_openai": Adapter(f"{_LITELLM}:AzureOpenAIProvider", "litellm"),
        "bedrock": Adapter(f"{_LITELLM}:AWSBedrockProvider", "litellm"),
        "draft": Adapter("trainer.draft:DraftProvider"),
        "google_vertex": Adapter(f"{_LITELLM}:GoogleVertexProvider", "litellm"),
        "huggingface": Adapter(f"{_LITELLM}:HuggingFaceProvider", "litellm"),
        "litellm": Adapter(f"{_LITELLM}:LiteLLMProvider", "litellm"),
        "ollama": Adapter("trainer.providers.openai_compatible:OllamaProvider"),
        "openai": Adapter("trainer.providers.openai_compatible:OpenAIProvider"),
        "openai_compatible": Adapter("trainer.providers.openai_compatible:OpenAICompatibleProvider"),
        "replay": Adapter("trainer.providers.replay:ReplayProvider"),
        "sagemaker": Adapter("trainer.providers.sagemaker:AWSSageMakerProvider", "sagemaker", "boto3"),
        "vertex_ai": Adapter(f"{_LITELLM}:GoogleVertexProvider", "litellm"),
    },
)


def create_provider(name: str, *, model: str, **options: Json) -> LLMProvider:
    """The provider called `name` for `model`; opens nothing. Raises UsageError for an unknown name or option."""
    factory = PROVIDERS.load(name)
    _check_options(name, factory, options)
    return cast("LLMProvider", factory(model=model, **options))


def _check_options(name: str, factory: type, options: dict[str, Json]) -> None:
    parameters = inspect.signature(factory).parameters
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for option in options:
        if option not in parameters:
            message, hint = unknown(f"option of the provider {name}", option, set(parameters) - {"model"})
            raise ConfigError(message, hint=hint)
