"""A prompt on its way: what is settled before its data is fetched, and its text once it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from trainer.actions.data import DataRequest
from trainer.core.values import Context, DataBlock, Prompt
from trainer.prompts import DataQuery, Instruction
from trainer.security import DetectionResult


@dataclass(frozen=True, slots=True)
class Prepared:
    """An instruction with its parameters, contexts and data requests settled; nothing is fetched yet."""

    instruction: Instruction
    params: Mapping[str, Any]
    contexts: tuple[Context, ...]
    requests: Mapping[str, DataRequest]
    """By the name of the data block."""
    title: str = ""
    joins: Mapping[str, DataQuery] = field(default_factory=dict)
    """By name, the data that is computed from other data; each after those that it reads."""
    reports: tuple[str, ...] = ()
    """The reports that are among its data."""
    system: str = ""
    """The system message to send before the prompt."""


@dataclass(frozen=True, slots=True)
class RenderedText:
    """A finished prompt without its data, which is known already, and what was found in it."""

    prompt: Prompt
    data: tuple[str, ...]
    """The names of its data blocks, in order."""
    inputs: tuple[str, ...]
    screening: DetectionResult | None
    warnings: tuple[str, ...]

    def whole(self, blocks: Mapping[str, DataBlock]) -> Prompt:
        """The prompt with the data that it names."""
        data, inputs = ([blocks[name] for name in names] for names in (self.data, self.inputs))
        return replace(self.prompt, data=tuple(data), inputs=tuple(inputs))
