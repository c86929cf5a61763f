"""`PromptManager` and `PromptTemplate`: this room as two objects, for programs that want it so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from trainer.core.clock import Clock, system_clock
from trainer.core.digest import digest
from trainer.core.errors import InstructionError, Problem, RefusedError
from trainer.core.values import DataBlock, Finding, Json, Prompt, StoredData, ValidationResult
from trainer.prompts.cache import PromptCache
from trainer.prompts.composition import join_texts
from trainer.prompts.contexts import load_contexts, match_contexts, mentioned_paths, open_contexts
from trainer.prompts.find import find_instruction
from trainer.prompts.instruction import Instruction
from trainer.prompts.loading import load_instruction, parse_instruction
from trainer.prompts.params import data_queries, plain, resolve_params
from trainer.prompts.rendering import render
from trainer.prompts.validation import validate_instruction
from trainer.prompts.versions import Change, Version, compare, keep_version, list_versions, load_version


class Guarded(Protocol):
    """What a guard says of an input."""

    @property
    def is_safe(self) -> bool: ...  # noqa: D102
    @property
    def errors(self) -> Sequence[str]: ...  # noqa: D102


class Guard(Protocol):
    """What the manager asks of a security module."""

    def validate(self, user_input: Mapping[str, Json]) -> Guarded: ...  # noqa: D102
    def escape(self, text: str) -> str: ...  # noqa: D102


class Store(Protocol):
    """What the manager asks of a data store."""

    def retrieve(self, key: str) -> StoredData | None: ...  # noqa: D102


class PromptTemplate:
    """A template: an instruction's text, with or without front matter.

    >>> PromptTemplate("Hello {name}!").fill_template({"name": "World"})
    'Hello World!'
    """

    def __init__(self, content: str, *, path: str = "-", root: Path | None = None) -> None:
        self.instruction: Instruction = parse_instruction(content, shown=path, root=root or Path())

    @classmethod
    def of(cls, instruction: Instruction) -> PromptTemplate:
        """The template of an instruction that is loaded already."""
        template = cls.__new__(cls)
        template.instruction = instruction
        return template

    @property
    def content(self) -> str:
        """The text that is filled in."""
        return self.instruction.body

    def get_context_refs(self) -> list[str]:
        """The contexts it names, in front matter and text, as they are written."""
        return [*self.instruction.contexts, *mentioned_paths(self.instruction)]

    def fill_template(self, params: Mapping[str, Json], *, clean: Callable[[str], str] = str) -> str:
        """The text with `params` filled in; objects among them become data blocks. Raises InstructionError."""
        return fill(self.instruction, params, clean=clean).text


class PromptManager:
    """Loads, fills, composes, validates, caches and compares prompts of one project."""

    def __init__(
        self,
        context_dir: str | Path = "information/context",
        instruction_dir: str | Path = "information/instructions",
        *,
        root: str | Path = ".",
        security_module: Guard | None = None,
        data_store: Store | None = None,
        cache_size: int = 256,
        cache_ttl: float | None = 3600,
        versions_dir: str | Path = ".trainer/cache/prompts",
        clock: Clock = system_clock,
    ) -> None:
        self.root = Path(root)
        self.context_dir = self.root / context_dir
        self.instruction_dir = self.root / instruction_dir
        self.versions_dir = self.root / versions_dir
        self.security_module = security_module
        self.data_store = data_store
        self.cache = PromptCache(size=cache_size, ttl=cache_ttl, clock=clock)

    def load_prompt(self, prompt_path: str) -> PromptTemplate:
        """The template called so below the instruction folder, or at that path."""
        entry = find_instruction(self.instruction_dir, prompt_path, root=self.root)
        return PromptTemplate.of(load_instruction(entry.path, shown=entry.shown, root=self.root.absolute()))

    def load_contexts(self, context_paths: Sequence[str]) -> str:
        """The contexts as one Markdown text, in order, each content once; paths may be globs.

        Raises InstructionError with every broken reference.
        """
        folder = open_contexts(self.context_dir, root=self.root).reading()
        names = [name for path in context_paths for name in match_contexts(path, folder)]
        contexts = load_contexts(folder, names)
        if folder.problems:
            raise InstructionError(folder.problems[0].message, problems=folder.problems)
        return "\n".join(context.text for context in contexts)

    def fill_template(self, template: PromptTemplate, params: Mapping[str, Json]) -> str:
        """The template's text with `params` filled in; raises RefusedError where the security module says no."""
        if self.security_module is None:
            return fill(template.instruction, self._with_data(template, params)).text
        verdict = self.security_module.validate(params)
        if not verdict.is_safe:
            problems = [Problem(message) for message in verdict.errors]
            raise RefusedError("the parameters were refused", problems=problems)
        return fill(template.instruction, self._with_data(template, params), clean=self.security_module.escape).text

    def compose(self, templates: Sequence[PromptTemplate | str], strategy: str | None = None) -> str:
        """One prompt of several: one text after the other, or with a strategy a task for each."""
        texts = [one if isinstance(one, str) else one.content for one in templates]
        if strategy is None and len(texts) > 1:
            return "\n\n".join(text.strip() for text in texts if text.strip()) + "\n"
        return join_texts(texts, strategy or "sequential")

    def get_cached(self, prompt_id: str) -> str | None:
        """The text kept under that name, if it still holds."""
        return self.cache.get(prompt_id)

    def cache_prompt(
        self, prompt_id: str, content: str, ttl: float | None = None, *, files: Sequence[Path] = ()
    ) -> None:
        """Keeps a text for `ttl` seconds, until one of `files` changes."""
        self.cache.put(prompt_id, content, ttl=ttl, files=files)

    def validate(self, prompt: str | PromptTemplate, params: Mapping[str, Json] | None = None) -> ValidationResult:
        """What is wrong with a template, or with a text as if it were one."""
        try:
            template = PromptTemplate(prompt, root=self.root) if isinstance(prompt, str) else prompt
            findings = validate_instruction(template.instruction, contexts=self.context_dir, values=params).findings
        except InstructionError as error:
            findings = tuple(
                Finding("template", "error", one.message, one.where, hint=one.hint or "") for one in error.problems
            )
        errors = [f"{one.where}: {one.message}" for one in findings if one.severity == "error"]
        warnings = [f"{one.where}: {one.message}" for one in findings if one.severity != "error"]
        return ValidationResult(not errors, errors, warnings, findings=findings)

    def keep(self, prompt: Prompt) -> Version:
        """The prompt's version, kept for `versions` and `diff`."""
        return keep_version(prompt, folder=self.versions_dir)

    def versions(self, prompt_path: str | None = None) -> list[Version]:
        """The kept versions of all prompts or of one, the oldest first."""
        shown = find_instruction(self.instruction_dir, prompt_path, root=self.root).shown if prompt_path else None
        return list_versions(self.versions_dir, instruction=shown)

    def diff(self, old: str | Version, new: str | Version) -> tuple[Change, ...]:
        """What changed between two versions, or between those whose digests start so."""
        before, after = (
            load_version(one, folder=self.versions_dir) if isinstance(one, str) else one for one in (old, new)
        )
        return compare(before, after)

    def _with_data(self, template: PromptTemplate, params: Mapping[str, Json]) -> dict[str, Json]:
        """The parameters, and the stored documents the template asks for by key."""
        if self.data_store is None:
            return dict(params)
        values = resolve_params(template.instruction, _scalars(template.instruction, params))
        queries = [
            query for query in data_queries(template.instruction, values) if query.key and query.name not in params
        ]
        stored = {query.name: self.data_store.retrieve(query.key) for query in queries if query.key}
        return {**params, **{name: document for name, document in stored.items() if document is not None}}


def fill(instruction: Instruction, params: Mapping[str, Json], *, clean: Callable[[str], str] = str) -> Prompt:
    """The instruction with parameters and data in one mapping filled in; objects and stored documents are data."""
    data = {name: _block(name, value) for name, value in params.items() if _is_data(instruction, name, value)}
    strings = {name: value for name, value in params.items() if name not in data}
    return render(
        replace(instruction, output=replace(instruction.output, sections=(), schema=None)),
        params=resolve_params(instruction, strings),
        contexts=(),
        data=data,
        clean=clean,
        fence=_fence,
    )


def _scalars(instruction: Instruction, params: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in params.items() if not _is_data(instruction, name, value)}


def _is_data(instruction: Instruction, name: str, value: Json) -> bool:
    if name in instruction.params:
        return False
    return (
        name in instruction.data
        or isinstance(value, StoredData | dict)
        or (isinstance(value, list) and any(isinstance(item, dict | list) for item in value))
    )


def _block(name: str, value: Json) -> DataBlock:
    if isinstance(value, StoredData):
        return DataBlock(name, value.key, value.version, value.source, value.stored_at, value.data, value.digest)
    return DataBlock(name, name, 1, "given", None, value, digest(value))


def _fence(block: DataBlock) -> str:
    import json

    content = json.dumps(block.data, indent=2, sort_keys=True, ensure_ascii=False, default=plain)
    fence = "`" * (max((len(run) for run in content.split() if set(run) == {"`"}), default=2) + 1)
    return f"{fence}json {block.name}\n{content}\n{fence}"
