"""The examples of the specification, with import paths alone changed, and what stands behind their names."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from trainer.sources.dtesn import DTESNProcessor, ProcessorConfig

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
config = ProcessorConfig(timeout=20, clock=lambda: NOW)
async_aphrodite = {
    "model_config": lambda: {"model_name": "m", "max_model_len": 5, "max_output": 1, "reserved_output": 1},
    "tokenizer": lambda: {"tokenizer_available": True, "engine_type": "o200k_base"},
    "performance": lambda: {"total_requests": 0},
    "processing_state": lambda: {"in_flight": 0},
    "resources": lambda: {"max_concurrent_processes": 2},
}


def test_the_examples_of_the_specification_run():
    async def basic_integration():
        # Initialize processor with engine
        processor = DTESNProcessor(config=config, engine=async_aphrodite)

        # Fetch comprehensive engine context with multi-source data
        engine_context = await processor._fetch_comprehensive_engine_context()

        # Access multi-source data
        multi_source_data = engine_context["multi_source_data"]
        source_count = multi_source_data["source_count"]
        quality_score = multi_source_data["aggregation"]["data_quality_score"]
        return processor, engine_context, source_count, quality_score

    async def enhanced_preprocessing(processor, input_data, engine_context):
        # Process input with multi-source transformations
        input_vector = await processor._preprocess_with_engine(input_data, engine_context)
        return input_vector  # noqa: RET504  (as it is written there)

    async def both():
        processor, context, *counts = await basic_integration()
        return counts, await enhanced_preprocessing(processor, "Abcdef", context)

    counts, vector = asyncio.run(both())

    assert counts == [5, 1.0]
    assert [round(number * 0x10FFFF) for number in vector] == [65, 98, 99, 100]  # the window leaves 4


def test_each_source_can_be_fetched_by_itself_and_put_together_again():
    processor = DTESNProcessor(config=config, engine=async_aphrodite)

    async def step_by_step():
        sources = {
            "model_config": await processor._fetch_model_data_source(),
            "tokenizer": await processor._fetch_tokenizer_data_source(),
            "performance": await processor._fetch_performance_data_source(),
            "processing_state": await processor._fetch_processing_state_source(),
            "resources": await processor._fetch_resource_data_source(),
        }
        aggregation = await processor._aggregate_multi_source_data(sources)
        return sources, aggregation, await processor._create_data_processing_pipelines(sources, aggregation)

    sources, aggregation, pipelines = asyncio.run(step_by_step())
    at_once = asyncio.run(processor._fetch_multi_source_data())

    assert at_once["sources"] == sources
    assert at_once["aggregation"] == aggregation
    assert at_once["processing_pipelines"] == pipelines


def test_a_source_that_the_engine_does_not_have_is_a_gap_and_no_failure_of_the_rest():
    engine = {name: function for name, function in async_aphrodite.items() if name != "tokenizer"}

    data = asyncio.run(DTESNProcessor(config=config, engine=engine)._fetch_multi_source_data())

    assert data["aggregation"]["data_quality_score"] == 0.8
    assert list(data["aggregation"]["unified_metadata"]["gaps"]) == ["tokenizer"]
