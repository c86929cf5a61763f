"""What servers that speak the OpenAI protocol really say: streams, answers and errors, each in its own dialect."""

from __future__ import annotations

import json
from typing import Any


def sse(*events: Any, space: str = " ", end: bool = True, between: str = "") -> bytes:
    """A stream of events as JSON; comments and other lines may stand between them."""
    lines = [f"data:{space}{json.dumps(event)}\n\n{between}" for event in events]
    return "".join([between, *lines, f"data:{space}[DONE]\n\n" if end else ""]).encode()


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
USAGE_CHUNK = {"id": "c1", "model": "m", "choices": [], "usage": USAGE}

# server: the bytes of its stream for the answer "Hello world"
STREAMS: dict[str, bytes] = {
    "openai": sse(
        chunk({"role": "assistant", "content": "", "refusal": None}),
        chunk({"content": "Hello"}),
        chunk({"content": " world"}),
        chunk({}, "stop"),
        USAGE_CHUNK,
    ),
    "azure": sse(
        {"choices": [], "created": 0, "id": "", "model": "", "prompt_filter_results": [{"prompt_index": 0}]},
        chunk({"role": "assistant", "content": "Hello"}),
        chunk({"content": " world"}),
        chunk({}, "stop"),
        USAGE_CHUNK,
    ),
    "vllm": sse(
        chunk({"role": "assistant", "content": ""}, usage=None),
        chunk({"content": "Hello", "reasoning_content": None}, logprobs=None),
        chunk({"content": " world"}, "stop", stop_reason=None),
        USAGE_CHUNK | {"usage": {**USAGE, "prompt_tokens_details": None}},
    ),
    "llama.cpp": sse(
        chunk({"role": "assistant", "content": None}),
        chunk({"content": "Hello"}),
        chunk({"content": " world"}),
        chunk({}, "stop"),
        USAGE_CHUNK | {"timings": {"prompt_n": 7}},
    ),
    "ollama": sse(
        chunk({"role": "assistant", "content": "Hello"}),
        chunk({"role": "assistant", "content": " world"}),
        chunk({"role": "assistant", "content": ""}, "stop"),
        USAGE_CHUNK,
    ),
    "tgi": sse(
        chunk({"role": "assistant", "content": "Hello"}),
        chunk({"role": "assistant", "content": " world"}, "stop", usage=USAGE),
        space="",
        end=False,
    ),
    "lm studio": sse(
        chunk({"role": "assistant", "content": "Hello"}),
        chunk({"content": " world"}),
        chunk({}, "stop", stats={}),
        USAGE_CHUNK,
    ),
    "localai": sse(
        chunk({"role": "assistant", "content": ""}, ""),
        chunk({"content": "Hello"}, ""),
        chunk({"content": " world"}, ""),
        chunk({}, "stop", usage=USAGE),
    ),
    "openrouter": sse(
        chunk({"role": "assistant", "content": "Hello"}, provider="X"),
        chunk({"content": " world"}, "stop", usage=USAGE),
        between=": OPENROUTER PROCESSING\n\n",
    ),
    "deepseek": sse(
        chunk({"role": "assistant", "content": None, "reasoning_content": "why"}),
        chunk({"content": "Hello", "reasoning_content": None}),
        chunk({"content": " world"}, "stop", usage=USAGE),
        between=": keep-alive\n\n",
    ),
    "carriage returns": sse(chunk({"content": "Hello"}), chunk({"content": " world"}, "stop", usage=USAGE)).replace(
        b"\n", b"\r\n"
    ),
}

# server: the body of its answer "Hello world"
ANSWERS: dict[str, dict[str, Any]] = {
    "mistral": {
        "choices": [
            {
                "message": {
                    "content": [
                        {"type": "thinking", "thinking": [{"type": "text", "text": "why"}]},
                        {"type": "text", "text": "Hello world"},
                    ]
                },
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    },
    "old completions": {"choices": [{"text": "Hello world", "finish_reason": "stop"}], "usage": USAGE},
    "ollama, thinking": {
        "choices": [{"message": {"content": "Hello world", "reasoning": "why"}, "finish_reason": "stop"}],
        "usage": USAGE,
    },
    "no usage details": {
        "choices": [{"message": {"content": "Hello world", "tool_calls": []}, "finish_reason": "stop"}],
        "usage": {**USAGE, "prompt_tokens_details": None, "completion_tokens_details": None},
    },
}

# server and what happened: status, body, and the kind of failure it is
ERRORS: dict[str, tuple[int, Any, str]] = {
    "vllm, too long": (
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 2048 tokens. However, you requested 5031 tokens",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
        "context_too_long",
    ),
    "llama.cpp, too long": (
        400,
        {
            "error": {
                "code": 400,
                "message": "request (5031 tokens) exceeds the available context size (2048 tokens), try increasing it",
                "type": "exceed_context_size_error",
            }
        },
        "context_too_long",
    ),
    "llama.cpp, loading": (
        503,
        {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}},
        "server",
    ),
    "tgi, too long": (
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5031 `inputs`",
            "error_type": "validation",
        },
        "context_too_long",
    ),
    "tgi, overloaded": (429, {"error": "Model is overloaded", "error_type": "overloaded"}, "rate_limited"),
    "ollama, no such model": (
        404,
        {"error": {"message": 'model "m" not found, try pulling it first', "type": "api_error", "code": None}},
        "not_found",
    ),
    "lm studio, too long": (
        400,
        {"error": "Trying to keep the first 5031 tokens when context the overflows. However, the model is loaded with "
                  "context length of only 4096 tokens, which is not enough"},
        "context_too_long",
    ),
    "localai": (500, {"error": {"code": 500, "message": "could not load model", "type": ""}}, "server"),
    "sglang, too long": (
        400,
        {"object": "error", "message": "The input (5031 tokens) is longer than the model's context length (4096).",
         "type": "BadRequestError", "code": 400},
        "context_too_long",
    ),
    "openrouter, error in a good answer": (
        200,
        {"error": {"code": 502, "message": "Provider returned error", "metadata": {}}},
        "server",
    ),
    "openrouter, no credit": (402, {"error": {"code": 402, "message": "Insufficient credits"}}, "payment"),
    "gemini, quota": (
        429,
        [
            {
                "error": {
                    "code": 429,
                    "message": "You exceeded your current quota, please check your plan",
                    "status": "RESOURCE_EXHAUSTED",
                    "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "20s"}],
                }
            }
        ],
        "rate_limited",
    ),
    "fastapi gateway": (422, {"detail": [{"loc": ["body", "messages"], "msg": "field required"}]}, "bad_request"),
}  # fmt: skip
