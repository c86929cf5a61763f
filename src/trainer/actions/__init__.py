"""One file a use-case: each opens what it needs, wires the rooms, and returns a value."""
