"""`TrainerCore`: the whole journey as one Python object, for programs that do not go through the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from trainer.actions.model import choose_model, make_chain
from trainer.actions.run import RunOptions, run_prompt
from trainer.actions.wiring import open_source, open_store
from trainer.convert import FormatConverter
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import UsageError
from trainer.core.project import open_project
from trainer.prompts import PromptManager
from trainer.providers import LLMProvider
from trainer.security import SecurityModule
from trainer.sources import DataRetriever
from trainer.stores import DataStore

_TARGETS = {"markdown": "markdown", "md": "markdown"}


class TrainerCore:
    """One project with its rooms, each opened when it is first used.

    core = TrainerCore("my-reports")
    html = core.generate_report("overview", data_key="file:information/data/figures.json",
                                params={"NAME": "Sample Ltd"}, output_format="html")
    """

    def __init__(
        self,
        folder: str | Path = ".",
        *,
        environ: Mapping[str, str] | None = None,
        overrides: Sequence[str] = (),
        clock: Clock = system_clock,
    ) -> None:
        """Open the project in or above `folder`; `overrides` are `section.key=value`. Raises ConfigError."""
        environ = os.environ if environ is None else environ
        self.project = open_project(Path(folder), environ=environ, overrides=overrides)
        self._clock = clock

    @cached_property
    def security(self) -> SecurityModule:
        """What may enter a prompt, as `prompt_security` says."""
        section = self.project.settings.prompt_security
        return SecurityModule(
            section.max_length,
            section.strict_mode,
            section.enable_ml_detection,
            level=section.level,
            allow=section.allow,
            block=section.block,
        )

    @cached_property
    def data_store(self) -> DataStore:
        """The store `data_store` names."""
        return open_store(self.project, clock=self._clock)

    @cached_property
    def prompt_manager(self) -> PromptManager:
        """Instructions and contexts of the project."""
        section = self.project.settings.prompt_manager
        return PromptManager(
            section.context_dir,
            section.instruction_dir,
            root=self.project.root,
            security_module=self.security,
            data_store=self.data_store,
            cache_size=256 if section.cache_enabled else 0,
            cache_ttl=section.cache_ttl,
            clock=self._clock,
        )

    @cached_property
    def llm_provider(self) -> LLMProvider:
        """The model `llm_provider` names, without fallbacks."""
        return make_chain(self.project, choose_model(self.project, {}, what="llm_provider"))[0]

    @cached_property
    def data_retriever(self) -> DataRetriever:
        """The source `data_retriever` names."""
        return open_source(self.project, self.project.settings.data_retriever.provider, clock=self._clock)

    @cached_property
    def format_converter(self) -> FormatConverter:
        """Conversion with the project's own theme."""
        information = self.project.information
        return FormatConverter(templates=information / "templates", css=information / "css")

    def generate_report(
        self,
        instruction_path: str,
        data_key: str | None = None,
        data_query: Mapping[str, Any] | None = None,
        output_format: str = "markdown",
        *,
        params: Mapping[str, Any] | None = None,
    ) -> str | bytes:
        """The report an instruction asks for: Markdown, or another format of `format_converter`.

        `data_key` names a stored document for the instruction's data block; `data_query` filters the store, and is
        retrieved from the source where nothing stored matches. Without either, the instruction's own queries hold.
        Screened, cached, recorded and within the budget, as `trainer run` is.
        """
        key = data_key or (self._key_of(data_query) if data_query else None)
        keys = {} if key is None else {self._block_of(instruction_path): key}
        result = run_prompt(self.project, instruction_path, params or {}, RunOptions(keys=keys), clock=self._clock)
        target = _TARGETS.get(output_format, output_format)
        if target == "markdown":
            return result.completion.content
        return self.format_converter.convert(result.completion.content, "markdown", target)

    def _key_of(self, query: Mapping[str, Any]) -> str:
        """The key of the first stored document that matches; of a fresh one where none does."""
        matches = self.data_store.query(dict(query), limit=1)
        if matches:
            return matches[0].key
        result = self.data_retriever.retrieve(dict(query), store=False)
        key = self.data_retriever.key(dict(query))
        return self.data_store.store(key, result.data, result.metadata, source=result.source, skip_unchanged=True)

    def _block_of(self, instruction_path: str) -> str:
        names = list(self.prompt_manager.load_prompt(instruction_path).instruction.data)
        if len(names) > 1:
            raise UsageError(
                f"{instruction_path} has several data blocks: {', '.join(names)}",
                hint="leave data_key and data_query out, so that its own queries hold",
            )
        return names[0] if names else "data"
