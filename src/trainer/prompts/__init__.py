"""Prompts: an instruction with its parameters, contexts and data becomes a finished prompt.

load_instruction -> resolve_params -> data_queries -> (data comes in) -> select_contexts -> render -> Prompt
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer.prompts.contexts import open_contexts, select_contexts
    from trainer.prompts.declarations import read_data
    from trainer.prompts.find import Found, find_instruction, list_instructions
    from trainer.prompts.instruction import DataQuery, Instruction, Param, load_instruction, parse_instruction
    from trainer.prompts.params import data_queries, fill_names, resolve_params
    from trainer.prompts.rendering import render
    from trainer.prompts.tokens import count_messages, count_sections, count_tokens

_FACE = {
    "DataQuery": "instruction",
    "Found": "find",
    "Instruction": "instruction",
    "Param": "instruction",
    "count_messages": "tokens",
    "count_sections": "tokens",
    "count_tokens": "tokens",
    "data_queries": "params",
    "fill_names": "params",
    "find_instruction": "find",
    "list_instructions": "find",
    "load_instruction": "instruction",
    "open_contexts": "contexts",
    "parse_instruction": "instruction",
    "read_data": "declarations",
    "render": "rendering",
    "resolve_params": "params",
    "select_contexts": "contexts",
}

__all__ = [
    "DataQuery",
    "Found",
    "Instruction",
    "Param",
    "count_messages",
    "count_sections",
    "count_tokens",
    "data_queries",
    "fill_names",
    "find_instruction",
    "list_instructions",
    "load_instruction",
    "open_contexts",
    "parse_instruction",
    "read_data",
    "render",
    "resolve_params",
    "select_contexts",
]


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{_FACE[name]}"), name)
