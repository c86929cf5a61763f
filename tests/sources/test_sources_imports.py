from __future__ import annotations

import subprocess
import sys


def imported_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(' '.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_room_is_cheap_to_import():
    modules = imported_by("import trainer.sources")

    assert not modules & {"http.client", "ssl", "yaml", "httpx", "hishel", "stamina", "duckdb"}
    assert not modules & {f"trainer.sources.{adapter}" for adapter in ("api", "file", "sec_filings", "yahoo_finance")}


def test_reading_files_imports_no_network():
    modules = imported_by("from trainer.sources import FileRetriever")

    assert not modules & {"http.client", "ssl", "httpx", "hishel", "stamina", "duckdb"}
