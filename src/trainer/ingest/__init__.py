"""Incoming files as typed content: what type they are of, their words and tables, and which rows do not fit."""

from trainer.ingest.dialect import CsvDialect, DialectVote, detect_dialect
from trainer.ingest.extract import extract_content, extract_file
from trainer.ingest.ledger import Ledger, LedgerEntry
from trainer.ingest.quarantine import Quarantine, QuarantinedTable
from trainer.ingest.sniff import sniff
from trainer.ingest.values import (
    ColumnProfile,
    ColumnType,
    ExtractedTable,
    FileExtract,
    FileType,
    QuarantinedRow,
)
from trainer.ingest.workers import ExtractJob, extract_files

__all__ = [
    "ColumnProfile",
    "ColumnType",
    "CsvDialect",
    "DialectVote",
    "ExtractJob",
    "ExtractedTable",
    "FileExtract",
    "FileType",
    "Ledger",
    "LedgerEntry",
    "Quarantine",
    "QuarantinedRow",
    "QuarantinedTable",
    "detect_dialect",
    "extract_content",
    "extract_file",
    "extract_files",
    "sniff",
]
