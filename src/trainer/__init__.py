"""Reports a language model helps to write, rebuilt only when an input changed and traceable to stored data."""

__version__ = "0.1.0"
