"""JSON out of what models write."""

from trainer.convert.jsontext.extract import Extraction, JsonCandidate, extract_json

__all__ = ["Extraction", "JsonCandidate", "extract_json"]
