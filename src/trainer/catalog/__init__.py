"""The catalogue: 33 governed tables, which of them a file belongs to, and proposals that somebody decides."""

from trainer.catalog.catalog import Catalog, SchemaVersion, TableSummary
from trainer.catalog.definition import TableDefinition, TableField, find_field, find_table, read_definitions
from trainer.catalog.engine import MOST_ROWS, ApprovalPolicy, DecidedError, Decision, SchemaProposalEngine
from trainer.catalog.entities import EntityRelation, NamedEntity, find_entities, find_relations
from trainer.catalog.storage import MIGRATIONS, CatalogRow, RowVersion
from trainer.catalog.subsystems import CodingAgentIntegration, SelfHealingIntegration, SubAgentsIntegration
from trainer.catalog.trust import Reliability, Trust
from trainer.catalog.validation import ValidRow, validate_row
from trainer.catalog.values import (
    Alternative,
    Citation,
    ColumnSignal,
    Filling,
    Proposal,
    ProposalDraft,
    ProposalEvent,
    Signals,
    TableMatch,
)

__all__ = [
    "MIGRATIONS",
    "MOST_ROWS",
    "Alternative",
    "ApprovalPolicy",
    "Catalog",
    "CatalogRow",
    "Citation",
    "CodingAgentIntegration",
    "ColumnSignal",
    "DecidedError",
    "Decision",
    "EntityRelation",
    "Filling",
    "NamedEntity",
    "Proposal",
    "ProposalDraft",
    "ProposalEvent",
    "Reliability",
    "RowVersion",
    "SchemaProposalEngine",
    "SchemaVersion",
    "SelfHealingIntegration",
    "Signals",
    "SubAgentsIntegration",
    "TableDefinition",
    "TableField",
    "TableMatch",
    "TableSummary",
    "Trust",
    "ValidRow",
    "find_entities",
    "find_field",
    "find_relations",
    "find_table",
    "read_definitions",
    "validate_row",
]
