"""The writer that needs no model: it drafts a report by rule from the data and contexts of a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.core.face import face

if TYPE_CHECKING:
    from trainer.draft.provider import DraftProvider

DRAFT_VERSION = 9
"""Raised whenever the same prompt would be drafted into another text than before."""

__all__ = ["DRAFT_VERSION", "DraftProvider"]

__getattr__ = face(__name__, {"provider": "DraftProvider"})
