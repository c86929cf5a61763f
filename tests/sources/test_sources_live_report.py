"""One word in config.yaml switches a report from recorded files to the live source."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def test_one_word_switches_a_report_to_the_live_source(tmp_path, server):
    shutil.copytree(REPOSITORY / "information", tmp_path / "information")
    shutil.copy(REPOSITORY / "config.yaml", tmp_path)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TRAINER_")}

    def report(*overrides: str) -> str:
        flags = [part for override in overrides for part in ("--set", override)]
        command = [sys.executable, "-c", "from trainer.cli.main import main; main()", *flags]
        subprocess.run(
            [*command, "report", "abbvie", "--format", "md"],
            cwd=tmp_path,
            env=environ,
            check=True,
            capture_output=True,
            timeout=200,
        )
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
