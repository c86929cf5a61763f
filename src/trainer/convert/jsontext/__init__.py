"""JSON out of what models write."""

from trainer.convert.jsontext.extract import Candidate, Extraction, extract_json

__all__ = ["Candidate", "Extraction", "extract_json"]
