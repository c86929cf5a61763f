"""From a document or a dataset into other formats."""
