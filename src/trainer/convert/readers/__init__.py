"""From other formats into a document or a dataset."""
