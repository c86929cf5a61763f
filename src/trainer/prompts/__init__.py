"""Prompts: an instruction with its parameters, contexts and data becomes a finished prompt.

load_instruction -> resolve_params -> data_queries -> (data comes in) -> select_contexts -> render -> Prompt
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.face import face
from trainer.core.values import ValidationResult

if TYPE_CHECKING:
    from trainer.prompts.cache import PromptCache
    from trainer.prompts.composition import answer_steps, fill_step, waves
    from trainer.prompts.contexts import context_params, open_contexts, read_context, select_contexts
    from trainer.prompts.declarations import REPORT, TABLE, read_data
    from trainer.prompts.find import Found, find_instruction, list_instructions
    from trainer.prompts.instruction import DataQuery, Instruction, Param
    from trainer.prompts.library import PromptManager, PromptTemplate
    from trainer.prompts.loading import load_instruction, parse_instruction
    from trainer.prompts.params import data_queries, fill_names, resolve_params, takes
    from trainer.prompts.rendering import declared_names, render
    from trainer.prompts.titles import ContextText, context_text
    from trainer.prompts.tokens import count_messages, count_sections, count_tokens, is_exact
    from trainer.prompts.validation import validate_instruction
    from trainer.prompts.versions import Change, Version, compare, keep_version, list_versions, load_version

__all__ = [
    "REPORT",
    "TABLE",
    "Change",
    "ContextText",
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
    "context_params",
    "context_text",
    "count_messages",
    "count_sections",
    "count_tokens",
    "data_queries",
    "declared_names",
    "fill_names",
    "fill_step",
    "find_instruction",
    "is_exact",
    "keep_version",
    "list_instructions",
    "list_versions",
    "load_instruction",
    "load_version",
    "open_contexts",
    "parse_instruction",
    "read_context",
    "read_data",
    "render",
    "resolve_params",
    "select_contexts",
    "takes",
    "validate_instruction",
    "waves",
]

__getattr__ = face(
    __name__,
    {
        "cache": "PromptCache",
        "composition": "answer_steps fill_step waves",
        "contexts": "context_params open_contexts read_context select_contexts",
        "declarations": "REPORT TABLE read_data",
        "find": "Found find_instruction list_instructions",
        "instruction": "DataQuery Instruction Param",
        "library": "PromptManager PromptTemplate",
        "loading": "load_instruction parse_instruction",
        "params": "data_queries fill_names resolve_params takes",
        "rendering": "declared_names render",
        "titles": "ContextText context_text",
        "tokens": "count_messages count_sections count_tokens is_exact",
        "validation": "validate_instruction",
        "versions": "Change Version compare keep_version list_versions load_version",
    },
)
