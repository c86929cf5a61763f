"""Sources: a query in, a normalised answer out, kept in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.face import face
from trainer.core.values import RetrievalResult

if TYPE_CHECKING:
    from trainer.sources.api import APIRetriever
    from trainer.sources.base import (
        SOURCES,
        DataRetriever,
        Fetched,
        Health,
        Schema,
        ServiceCall,
        Sink,
        SourceContext,
        create_source,
    )
    from trainer.sources.database import DatabaseRetriever
    from trainer.sources.file import FileRetriever
    from trainer.sources.many import QueryOutcome, retrieve_many
    from trainer.sources.plans import Choice, plan_batch, plan_concurrency, plan_tokens, plan_workers
    from trainer.sources.query import QueryField, check_query, raise_problems, storage_key
    from trainer.sources.remote_file import RemoteFileRetriever
    from trainer.sources.sec_filings import SECFilingsRetriever
    from trainer.sources.several import SeveralSources, fetch_all, fetch_functions
    from trainer.sources.soap import SOAPRetriever
    from trainer.sources.yahoo_finance import YahooFinanceRetriever

__all__ = [
    "SOURCES",
    "APIRetriever",
    "Choice",
    "DataRetriever",
    "DatabaseRetriever",
    "Fetched",
    "FileRetriever",
    "Health",
    "QueryField",
    "QueryOutcome",
    "RemoteFileRetriever",
    "RetrievalResult",
    "SECFilingsRetriever",
    "SOAPRetriever",
    "Schema",
    "ServiceCall",
    "SeveralSources",
    "Sink",
    "SourceContext",
    "YahooFinanceRetriever",
    "check_query",
    "create_source",
    "fetch_all",
    "fetch_functions",
    "plan_batch",
    "plan_concurrency",
    "plan_tokens",
    "plan_workers",
    "raise_problems",
    "retrieve_many",
    "storage_key",
]

__getattr__ = face(
    __name__,
    {
        "base": "SOURCES DataRetriever Fetched Health Schema ServiceCall Sink SourceContext create_source",
        "many": "QueryOutcome retrieve_many",
        "plans": "Choice plan_batch plan_concurrency plan_tokens plan_workers",
        "query": "QueryField check_query raise_problems storage_key",
        "several": "SeveralSources fetch_all fetch_functions",
    },
    adapters="base:SOURCES",
)
