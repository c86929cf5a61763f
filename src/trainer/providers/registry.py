"""The providers by name, one line each, imported on first use."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from trainer.core.errors import ConfigError, unknown
from trainer.core.registry import Adapter, Registry
from trainer.core.values import Json
from trainer.providers.base import CountTokens, LLMProvider
from trainer.providers.prices import overridden

_LITELLM = "trainer.providers.litellm_wrapper"

PROVIDERS = Registry(
    "providers",
    {
        "anthropic": Adapter(f"{_LITELLM}:AnthropicProvider"),
        "aws_bedrock": Adapter(f"{_LITELLM}:AWSBedrockProvider"),
        "azure": Adapter(f"{_LITELLM}:AzureOpenAIProvider"),
        "azure_openai": Adapter(f"{_LITELLM}:AzureOpenAIProvider"),
        "bedrock": Adapter(f"{_LITELLM}:AWSBedrockProvider"),
        "draft": Adapter("trainer.draft:DraftProvider"),
        "google_vertex": Adapter(f"{_LITELLM}:GoogleVertexProvider"),
        "huggingface": Adapter(f"{_LITELLM}:HuggingFaceProvider"),
        "litellm": Adapter(f"{_LITELLM}:LiteLLMProvider"),
        "local": Adapter("trainer.providers.local:LocalProvider", "local", "xllamacpp"),
        "ollama": Adapter("trainer.providers.openai_compatible:OllamaProvider"),
        "openai": Adapter("trainer.providers.openai_compatible:OpenAIProvider"),
        "openai_compatible": Adapter("trainer.providers.openai_compatible:OpenAICompatibleProvider"),
        "replay": Adapter("trainer.providers.replay:ReplayProvider"),
        "sagemaker": Adapter("trainer.providers.sagemaker:AWSSageMakerProvider", "sagemaker", "boto3"),
        "vertex_ai": Adapter(f"{_LITELLM}:GoogleVertexProvider"),
    },
)


def create_provider(
    name: str,
    *,
    model: str = "",
    prices: Mapping[str, Json] | None = None,
    count_tokens: CountTokens | None = None,
    offered: Mapping[str, Json] | None = None,
    **options: Json,
) -> LLMProvider:
    """The provider called `name` for `model`; opens nothing.

    `prices` maps models to `{input, output}` in US dollars for a million tokens, over what the provider says itself;
    `count_tokens` counts where its service names no usage; of `offered`, it is given what its constructor names.
    Raises UsageError for an unknown name or option.
    """
    factory: type[LLMProvider] = PROVIDERS.load(name)
    parameters = inspect.signature(factory).parameters
    takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
    for option in options:
        if option not in parameters and not takes_any:
            message, hint = unknown(f"option of the provider {name}", option, set(parameters) - {"model"})
            raise ConfigError(message, hint=hint)
    arguments = {name: value for name, value in (offered or {}).items() if name in parameters} | options
    provider = factory(model=model or name, **arguments)  # type: ignore[call-arg]
    provider.tokenizer = count_tokens
    if prices and (costs := prices.get(model)) is not None:
        provider.price = overridden(provider.price, costs)
    return provider
