"""The values, errors, settings and files that every room shares; imports nothing heavy."""
