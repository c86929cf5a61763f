"""The program that the specification shows, with import paths alone changed, gives its report.

Two things stand in for what a test cannot have: a model on loopback, and SQLite for MongoDB.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from servers.openai import Reply, openai_server
from trainer.convert import FormatConverter
from trainer.core.clock import Moment
from trainer.core.values import StoredData
from trainer.prompts import PromptManager
from trainer.providers import OpenAICompatibleProvider
from trainer.security import SecurityModule
from trainer.sources import YahooFinanceRetriever
from trainer.stores import SQLiteStore


class TrainerCore:
    def __init__(self, api_base: str):
        self.security = SecurityModule(strict_mode=True)
        self.data_store = SQLiteStore(database_path="seed.sqlite")
        self.prompt_manager = PromptManager(
            context_dir="information/context", security_module=self.security, data_store=self.data_store
        )
        self.llm_provider = OpenAICompatibleProvider(model="m", api_base=api_base)
        self.data_retriever = YahooFinanceRetriever(data_store=self.data_store)
        self.format_converter = FormatConverter()

    def generate_report(self, instruction_path, data_key=None, data_query=None, output_format="markdown"):
        instruction = self.prompt_manager.load_prompt(instruction_path)
        contexts = self.prompt_manager.load_contexts(instruction.get_context_refs())
        if data_key:
            data = self.data_store.retrieve(data_key)
        else:
            results = self.data_store.query(data_query)
            data = results[0] if results else None
        if data is None or self._is_stale(data):
            result = self.data_retriever.retrieve(data_query or {"key": data_key})
            data = result.data
        full_prompt = self.prompt_manager.compose([contexts, instruction.fill_template({"data": data.data})])
        result = self.llm_provider.complete(full_prompt)
        if output_format != "markdown":
            result = self.format_converter.convert(result, "markdown", output_format)
        return result

    def _is_stale(self, data: StoredData, max_age_hours: int = 24) -> bool:
        age = datetime.now() - data.updated_at
        return age.total_seconds() > (max_age_hours * 3600)


@pytest.mark.parametrize("chosen", [{"data_key": "own"}, {"data_query": {"source": "yahoo_finance", "ticker": "ABBV"}}])
def test_the_program_of_the_specification_gives_its_report(
    blank: Path, monkeypatch: pytest.MonkeyPatch, chosen: dict[str, object]
) -> None:
    monkeypatch.chdir(blank)
    instruction = blank / "information/instructions/simple.md"
    instruction.write_text('---\ncontexts: ["topic/*.md"]\n---\nWrite about {data}.\n')
    with openai_server(lambda server, seen: Reply(content="# Report\n\nRevenue grew.\n")) as server:
        core = TrainerCore(server.url)
        asked = {"source": "yahoo_finance", "query": {"ticker": "ABBV"}}  # as the retriever stores it
        core.data_store.store("own", {"revenue": 39600000}, asked)

        page = core.generate_report("simple", output_format="html", **chosen)

        sent = server.requests[0].body["messages"][-1]["content"]
    assert "39600000" in sent
    assert "<task" not in sent
    assert page.startswith("<!doctype html>")
    assert "Revenue grew." in page


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_an_age_is_the_same_from_a_clock_with_and_without_a_zone(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    import time

    monkeypatch.setitem(os.environ, "TZ", zone)
    time.tzset()
    moment = Moment.of(datetime(2026, 5, 1, 12, tzinfo=UTC))
    now = datetime(2026, 5, 1, 13, tzinfo=UTC)

    assert (now - moment).total_seconds() == 3600
    assert (now.astimezone().replace(tzinfo=None) - moment).total_seconds() == 3600
    assert moment == datetime(2026, 5, 1, 12, tzinfo=UTC)
