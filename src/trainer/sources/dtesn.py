"""Several contextual sources by the names of their specification, over `fetch_functions` and the plans.

processor = DTESNProcessor(config=ProcessorConfig(), engine=engine)
context = await processor._fetch_comprehensive_engine_context()
context["multi_source_data"]["aggregation"]["data_quality_score"]
"""

from __future__ import annotations

import asyncio
import unicodedata
from array import array
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from trainer.core.clock import Clock, system_clock
from trainer.core.errors import SourceError, unknown
from trainer.core.values import Json, RetrievalResult
from trainer.sources.many import QueryOutcome
from trainer.sources.several import CONTEXTUAL, Aggregation, aggregate, fetch_functions, make_plan, pipelines

Engine = Mapping[str, Callable[[], Mapping[str, Json]]]
"""The contextual sources by name, those of `CONTEXTUAL`; one that is missing counts as failed."""
_HIGHEST = 0x10FFFF
"""The last code point of Unicode."""


@dataclass(frozen=True, slots=True)
class ProcessorConfig:
    """How the processor asks."""

    timeout: float = 1.0
    """Seconds after which a source counts as failed."""
    clock: Clock = system_clock


class DTESNProcessor:
    """What an engine says of itself, and texts made ready by it; every method can be awaited and none raises."""

    def __init__(self, config: ProcessorConfig, engine: Engine) -> None:
        self.config = config
        self.engine = engine

    async def _fetch_comprehensive_engine_context(self) -> dict[str, Json]:
        """The engine's context: `multi_source_data`."""
        return {"multi_source_data": await self._fetch_multi_source_data()}

    async def _fetch_multi_source_data(self) -> dict[str, Json]:
        """What all contextual sources say, asked at once, with aggregation and processing pipelines."""
        return await self._fetch(CONTEXTUAL)

    async def _fetch_model_data_source(self) -> dict[str, Json]:
        """What the model says: its name, window, vocabulary."""
        return await self._fetch_source("model_config")

    async def _fetch_tokenizer_data_source(self) -> dict[str, Json]:
        """How tokens are counted."""
        return await self._fetch_source("tokenizer")

    async def _fetch_performance_data_source(self) -> dict[str, Json]:
        """What the records of former executions say."""
        return await self._fetch_source("performance")

    async def _fetch_processing_state_source(self) -> dict[str, Json]:
        """What is kept, waits, and is under way."""
        return await self._fetch_source("processing_state")

    async def _fetch_resource_data_source(self) -> dict[str, Json]:
        """What the machine has to give."""
        return await self._fetch_source("resources")

    async def _aggregate_multi_source_data(self, sources: dict[str, dict[str, Json]]) -> dict[str, Json]:
        """Counts, score, constraints and hints of sources as the fetchers above give them."""
        return asdict(aggregate(_outcomes(sources)))

    async def _create_data_processing_pipelines(
        self, sources: dict[str, dict[str, Json]], aggregation: dict[str, Json]
    ) -> dict[str, Json]:
        """The three pipelines, their order, and what may be done for speed."""
        return pipelines(Aggregation(**aggregation), make_plan(_outcomes(sources)))

    async def _apply_multi_source_transformations(
        self, input_data: str, multi_source_data: dict[str, Json]
    ) -> array[float]:
        """The text as a vector: its code points from 0 to 1, composed (NFC), no more of them than the model takes.

        `numpy.asarray` makes an ndarray of it without a copy.
        """
        most = multi_source_data["aggregation"]["processing_constraints"].get("max_input_tokens")
        text = unicodedata.normalize("NFC", input_data)
        return array("d", (ord(letter) / _HIGHEST for letter in text[:most]))

    async def _preprocess_with_engine(self, input_data: str, engine_context: dict[str, Json]) -> array[float]:
        """The text as a vector, as the engine's context advises."""
        return await self._apply_multi_source_transformations(input_data, engine_context["multi_source_data"])

    async def _fetch_source(self, name: str) -> dict[str, Json]:
        data = await self._fetch((name,))
        source: dict[str, Json] = data["sources"][name]
        return source

    async def _fetch(self, names: tuple[str, ...]) -> dict[str, Json]:
        functions = {name: self.engine.get(name) or _missing(name, self.engine) for name in names}
        several = await asyncio.to_thread(
            fetch_functions, functions, timeout=self.config.timeout, clock=self.config.clock
        )
        return several.as_json()


def _missing(name: str, engine: Engine) -> Callable[[], Mapping[str, Json]]:
    def fail() -> Mapping[str, Json]:
        message, hint = unknown("source of the engine", name, engine)
        raise SourceError(message, hint=hint)

    return fail


def _outcomes(sources: Mapping[str, Mapping[str, Json]]) -> dict[str, QueryOutcome]:
    """The outcomes that the sources' descriptions were made of."""
    outcomes = {}
    for name, answer in sources.items():
        if "error" in answer:
            outcomes[name] = QueryOutcome(name, {}, error=SourceError(str(answer["error"])))
        else:
            at = datetime.fromtimestamp(answer.get("fetch_timestamp", 0.0), UTC)
            outcomes[name] = QueryOutcome(name, {}, RetrievalResult(dict(answer), name, at))
    return outcomes
