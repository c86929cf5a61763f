"""The classes that the specification names stand in their room's face, with the signatures it gives them."""

import functools
import importlib
import inspect
from pathlib import Path

import pytest

import trainer

PACKAGE = Path(trainer.__file__).parent
FACES = {
    "prompts": {
        "PromptManager": {
            "load_prompt": ("prompt_path",),
            "load_contexts": ("context_paths",),
            "fill_template": ("template", "params"),
            "compose": ("templates", "strategy"),
            "get_cached": ("prompt_id",),
            "cache_prompt": ("prompt_id", "content", "ttl"),
            "validate": ("prompt",),
        },
    },
    "providers": {
        "LLMProvider": {
            "complete": ("prompt",),
            "stream": ("prompt",),
            "get_cost": ("tokens",),
            "list_models": (),
            "deploy_model": ("model_path",),
        },
        "CompletionResult": {},
        "LiteLLMProvider": {"__init__": ("provider", "model")},
        "OpenAIProvider": {"__init__": ("model",)},
        "AWSBedrockProvider": {"__init__": ("model", "region")},
        "AWSSageMakerProvider": {"__init__": ("endpoint_name", "region")},
        "GoogleVertexProvider": {"__init__": ("model", "project_id")},
        "AzureOpenAIProvider": {"__init__": ("model", "endpoint", "api_key")},
        "AnthropicProvider": {},
        "OllamaProvider": {},
        "HuggingFaceProvider": {},
    },
    "sources": {
        "DataRetriever": {"retrieve": ("query", "store"), "get_schema": ()},
        "RetrievalResult": {},
    },
    "stores": {
        "DataStore": {
            "store": ("key", "data", "metadata"),
            "retrieve": ("key",),
            "query": ("filters", "limit", "sort"),
            "update": ("key", "data", "metadata"),
            "delete": ("key",),
            "exists": ("key",),
            "get_freshness": ("key",),
            "aggregate": ("pipeline",),
            "count": ("filters",),
            "distinct": ("field", "filters"),
        },
        "StoredData": {},
    },
    "convert": {
        "FormatConverter": {
            "convert": ("source", "source_format", "target_format"),
            "json_to_markdown": ("json_data",),
            "markdown_to_json": ("markdown",),
            "detect_format": ("content",),
            "apply_template": ("content", "template_path"),
            "apply_styles": ("html", "css_path"),
            "extract_json_from_text": ("text",),
        },
    },
    "security": {
        "SecurityModule": {
            "validate": ("user_input",),
            "sanitize": ("user_input",),
            "detect_injection": ("text",),
            "escape": ("text", "context"),
            "validate_prompt": ("prompt",),
        },
        "DetectionResult": {},
        "ValidationResult": {},
    },
}


@pytest.mark.parametrize(("room", "name"), [(room, name) for room, classes in FACES.items() for name in classes])
def test_a_class_of_the_specification_stands_in_its_room(room: str, name: str) -> None:
    face = importlib.import_module(f"trainer.{room}")
    found = getattr(face, name)

    assert inspect.isclass(found)
    for method, names in FACES[room][name].items():
        taken = tuple(inspect.signature(getattr(found, method)).parameters)
        assert taken[1 : len(names) + 1] == names, method


@pytest.mark.parametrize("room", [path.parent.name for path in sorted(PACKAGE.glob("*/__init__.py"))])
def test_each_name_of_a_face_is_there_and_is_no_module(room: str) -> None:
    face = importlib.import_module(f"trainer.{room}")
    for module in sorted((PACKAGE / room).glob("*.py")):  # a module that was loaded hides a lazy name that is its own
        if module.stem in getattr(face, "__all__", ()):
            importlib.import_module(f"trainer.{room}.{module.stem}")

    for name in getattr(face, "__all__", ()):
        assert not inspect.ismodule(getattr(face, name)), name
    with pytest.raises(AttributeError, match="no_such_name"):
        face.no_such_name  # noqa: B018


def test_the_core_stands_at_the_top() -> None:
    taken = tuple(inspect.signature(trainer.TrainerCore.generate_report).parameters)
    assert taken == ("self", "instruction_path", "data_key", "data_query", "output_format", "params")
    for room in ("security", "data_store", "prompt_manager", "llm_provider", "data_retriever", "format_converter"):
        assert isinstance(getattr(trainer.TrainerCore, room), functools.cached_property | property)
