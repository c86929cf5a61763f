"""Sources: a query in, a normalised answer out, kept in the store."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from trainer.core.values import RetrievalResult
from trainer.sources.base import (
    SOURCES,
    DataRetriever,
    Fetched,
    Health,
    Schema,
    Sink,
    SourceContext,
    create_source,
)
from trainer.sources.many import Outcome, retrieve_many
from trainer.sources.query import QueryField, check_query, storage_key

if TYPE_CHECKING:
    from trainer.sources.api import APIRetriever
    from trainer.sources.file import FileRetriever
    from trainer.sources.sec_filings import SECFilingsRetriever
    from trainer.sources.yahoo_finance import YahooFinanceRetriever

__all__ = [
    "SOURCES",
    "APIRetriever",
    "DataRetriever",
    "Fetched",
    "FileRetriever",
    "Health",
    "Outcome",
    "QueryField",
    "RetrievalResult",
    "SECFilingsRetriever",
    "Schema",
    "Sink",
    "SourceContext",
    "YahooFinanceRetriever",
    "check_query",
    "create_source",
    "retrieve_many",
    "storage_key",
]

_ADAPTERS = {
    "APIRetriever": "trainer.sources.api",
    "FileRetriever": "trainer.sources.file",
    "SECFilingsRetriever": "trainer.sources.sec_filings",
    "YahooFinanceRetriever": "trainer.sources.yahoo_finance",
}


def __getattr__(name: str) -> Any:
    if name in _ADAPTERS:
        return getattr(importlib.import_module(_ADAPTERS[name]), name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
