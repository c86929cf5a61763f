"""What a report was made from, written beside it as JSON: inputs with their digests, data verbatim, model, outputs.

The data stands in it whole, so that every figure can be traced in a clone that has no store, and so that a store
can be filled again with the same versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from trainer.core.clock import isoformat, parse_moment
from trainer.core.digest import digest, pick, pretty
from trainer.core.errors import Where
from trainer.core.secrets import mask_known
from trainer.core.values import CompletionResult, DataBlock, Field, Finding, StoredData, Verdict

UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
"""When a version is taken to have been stored whose file does not say when it was retrieved."""

SCHEMA = 1
"""Raised when the file's layout changes; another number makes a report stale."""


@dataclass(frozen=True, slots=True)
class Written:
    """One file of a report."""

    path: str
    """Relative to the project's root."""
    digest: str
    made_from: str = ""
    """The digest of what was printed, of a PDF: one that would be the same is not printed again."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What one report was made from."""

    report: str
    title: str
    date: str | None
    """The newest date of its data."""
    ingredients: Mapping[str, Any]
    """Digest by ingredient; see `plan.Ingredients`."""
    params: Mapping[str, Any]
    data: tuple[DataBlock, ...]
    prompt: Mapping[str, Any]
    """Its digest, tokens and screening."""
    completion: Mapping[str, Any]
    """Model asked and answered, tokens, cost, digest."""
    findings: tuple[Mapping[str, Any], ...]
    scores: Mapping[str, float]
    outputs: tuple[Written, ...]
    edits: Mapping[str, Any] | None = None
    """What a person wrote into it: `blocks` with section and text; `base` is the digest of the text without them."""
    schema: int = SCHEMA
    figures: tuple[Mapping[str, Any], ...] = ()
    """The figures of the text as the checks read them, each once: `text`, `verdict`, and where there are, `measure`,
    `date`, `support` and `formula`. Read on demand only, as most readers of the file have no use for them."""

    def text(self) -> str:
        """The file's content, byte-stable."""
        fields = {name: value for name, value in pick(self).items() if name not in _WHERE_ANY or value}
        data = [_block(block) for block in self.data]
        outputs = [{name: value for name, value in pick(output).items() if value} for output in self.outputs]
        return mask_known(pretty({**fields, "data": data, "outputs": outputs}))

    @property
    def faults(self) -> tuple[Mapping[str, Any], ...]:
        """What its checks found wrong; notes are left out."""
        return tuple(finding for finding in self.findings if finding.get("severity") != "note")

    def output(self, path: str) -> Written | None:
        """One of its files, as it was written."""
        return next((output for output in self.outputs if output.path == path), None)

    def written(self, path: str) -> str | None:
        """The digest of one of its files, as it was written."""
        return output.digest if (output := self.output(path)) else None

    def sources(self) -> tuple[str, ...]:
        """Keys and versions of the data behind the report; what was computed from it is left out."""
        return tuple(f"{block.key}@{block.version}" for block in self.data if not block.sql)

    def documents(self) -> list[StoredData]:
        """The stored data behind the report, as a store can take it in again; what was computed from it is left out."""
        return [_stored(block) for block in self.data if not block.sql]


def provenance_path(output: Path, name: str) -> Path:
    """Where the provenance of report `name` lies."""
    return output / "json" / f"{name}.json"


_WHERE_ANY = frozenset({"edits", "figures"})
"""What the file leaves out where there is none."""


def read_provenance(path: Path, *, figures: bool = False) -> Provenance | None:
    """The provenance in the file, with its figures where these are asked for.

    None where there is none or it cannot be read, so that its report is stale.
    """
    try:
        return parse_provenance(path.read_bytes(), figures=figures)
    except OSError:
        return None


def parse_provenance(content: bytes, *, figures: bool = False) -> Provenance | None:
    """As `read_provenance`, from the bytes of a file."""
    try:
        fields = msgspec.structs.asdict(msgspec.json.decode(content, type=_File))
        fields["figures"] = tuple(msgspec.json.decode(fields["figures"])) if figures else ()
        blocks = tuple(_read_block(block) for block in fields["data"])
        outputs = tuple(Written(**written) for written in fields["outputs"])
        return Provenance(**{**fields, "data": blocks, "outputs": outputs, "findings": tuple(fields["findings"])})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """The file's layout."""

    report: str
    title: str
    date: str | None
    ingredients: dict[str, Any]
    params: dict[str, Any]
    data: list[dict[str, Any]]
    prompt: dict[str, Any]
    completion: dict[str, Any]
    findings: list[dict[str, Any]]
    scores: dict[str, float]
    outputs: list[dict[str, str]]
    schema: int
    edits: dict[str, Any] | None = None
    figures: msgspec.Raw = msgspec.Raw(b"[]")


def describe_completion(result: CompletionResult) -> dict[str, Any]:
    """What the provenance keeps of a completion: nothing that differs between a fresh and a cached run."""
    return {
        "provider": result.provider,
        "model_asked": result.model_asked or result.model,
        "model": result.model,
        "tokens_in": result.tokens_in,
        "tokens_out": result.tokens_out,
        "tokens_estimated": result.tokens_estimated,
        "cost": result.cost,
        "finish_reason": result.finish_reason,
        "digest": digest(result.content),
    }


def describe_findings(verdict: Verdict) -> tuple[dict[str, Any], ...]:
    """What the provenance keeps of the checks' findings."""
    return tuple(
        {name: value for name, value in finding.as_json().items() if value not in (None, "")}
        for finding in verdict.findings
    )


def recorded_findings(provenance: Provenance, *, shown: str) -> tuple[Finding, ...]:
    """The findings that a provenance keeps; places are lines of the file `shown`."""
    return tuple(
        Finding(
            finding["kind"],
            finding["severity"],
            finding["message"],
            Where(shown, finding.get("line"), finding.get("column")),
            finding.get("text", ""),
            support=finding.get("support", ""),
        )
        for finding in provenance.findings
    )


def _block(block: DataBlock) -> dict[str, Any]:
    shown = {name: value for name, value in pick(block).items() if value or name not in _SELDOM}
    return {**shown, "retrieved_at": block.retrieved_at and isoformat(block.retrieved_at)}


_SELDOM = frozenset({"computed_from", "sql", "stale_since"})
"""What is left out of most blocks."""


def _read_block(block: dict[str, Any]) -> DataBlock:
    fields = {path: Field(**meaning) for path, meaning in block["fields"].items()}
    moment = block["retrieved_at"] and parse_moment(block["retrieved_at"])
    computed_from = tuple(block.get("computed_from", ()))
    return DataBlock(**{**block, "retrieved_at": moment, "fields": fields, "computed_from": computed_from})


def _stored(block: DataBlock) -> StoredData:
    metadata: dict[str, Any] = {"fields": {path: pick(meaning) for path, meaning in block.fields.items()}}
    if block.subject is not None:
        metadata["subject"] = block.subject
    if block.as_of is not None:
        metadata["as_of"] = block.as_of
    if block.stale_since is not None:
        metadata["stale_since"] = block.stale_since
    moment = block.retrieved_at or UNDATED
    if block.retrieved_at is not None:
        metadata["retrieved_at"] = isoformat(block.retrieved_at)
    return StoredData(
        key=block.key,
        data=block.data,
        source=block.source,
        stored_at=moment,
        updated_at=moment,
        metadata=metadata,
        version=block.version,
    )
