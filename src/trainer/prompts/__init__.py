"""Prompts: an instruction with its parameters, contexts and data becomes a finished prompt.

load_instruction -> resolve_params -> data_queries -> (data comes in) -> select_contexts -> render -> Prompt
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.faces import lazy_face

if TYPE_CHECKING:
    from trainer.prompts.cache import PromptCache
    from trainer.prompts.composition import answer_steps, fill_step, waves
    from trainer.prompts.contexts import open_contexts, select_contexts
    from trainer.prompts.declarations import read_data
    from trainer.prompts.find import Found, find_instruction, list_instructions
    from trainer.prompts.instruction import DataQuery, Instruction, Param
    from trainer.prompts.library import PromptManager, PromptTemplate, ValidationResult
    from trainer.prompts.loading import load_instruction, parse_instruction
    from trainer.prompts.params import data_queries, fill_names, resolve_params, takes
    from trainer.prompts.rendering import declared_names, render
    from trainer.prompts.tokens import count_messages, count_sections, count_tokens
    from trainer.prompts.validation import validate_instruction
    from trainer.prompts.versions import Change, Version, compare, keep_version, list_versions, load_version

_FACE = {
    "Change": "versions",
    "DataQuery": "instruction",
    "Found": "find",
    "Instruction": "instruction",
    "Param": "instruction",
    "PromptCache": "cache",
    "PromptManager": "library",
    "PromptTemplate": "library",
    "ValidationResult": "library",
    "Version": "versions",
    "answer_steps": "composition",
    "compare": "versions",
    "count_messages": "tokens",
    "count_sections": "tokens",
    "count_tokens": "tokens",
    "data_queries": "params",
    "declared_names": "rendering",
    "fill_names": "params",
    "fill_step": "composition",
    "find_instruction": "find",
    "keep_version": "versions",
    "list_instructions": "find",
    "list_versions": "versions",
    "load_instruction": "loading",
    "load_version": "versions",
    "open_contexts": "contexts",
    "parse_instruction": "loading",
    "read_data": "declarations",
    "render": "rendering",
    "resolve_params": "params",
    "select_contexts": "contexts",
    "takes": "params",
    "validate_instruction": "validation",
    "waves": "composition",
}

__all__ = [
    "Change",
    "DataQuery",
    "Found",
    "Instruction",
    "Param",
    "PromptCache",
    "PromptManager",
    "PromptTemplate",
    "ValidationResult",
    "Version",
    "answer_steps",
    "compare",
    "count_messages",
    "count_sections",
    "count_tokens",
    "data_queries",
    "declared_names",
    "fill_names",
    "fill_step",
    "find_instruction",
    "keep_version",
    "list_instructions",
    "list_versions",
    "load_instruction",
    "load_version",
    "open_contexts",
    "parse_instruction",
    "read_data",
    "render",
    "resolve_params",
    "select_contexts",
    "takes",
    "validate_instruction",
    "waves",
]


__getattr__ = lazy_face(__name__, _FACE)
