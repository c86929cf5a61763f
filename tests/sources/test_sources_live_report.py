"""One word in config.yaml switches a report from recorded files to the live source."""

from __future__ import annotations

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def test_one_word_switches_a_report_to_the_live_source(tmp_path, server, run):
    shutil.copytree(REPOSITORY / "information", tmp_path / "information")
    shutil.copy(REPOSITORY / "config.yaml", tmp_path)

    def report(*overrides: str) -> str:
        flags = [part for override in overrides for part in ("--set", override)]
        assert run(tmp_path, *flags, "report", "abbvie", "--format", "md").returncode == 0
        return (tmp_path / "output/report/abbvie.md").read_text(encoding="utf-8")

    recorded = report()
    live = report(
        "data_retriever.provider=yahoo_finance", f"data_retriever.sources.yahoo_finance.base_url={server.url}"
    )

    assert "file:ABBV:summary@1" in recorded
    assert "file:ABBV" not in live
    assert "yahoo_finance:ABBV:summary@1" in live
    key_figures = "| Market capitalisation | $356.7 billion |"
    assert key_figures in recorded
    assert key_figures in live
