"""Rules that data must keep, scores of how well it does, and what looks wrong."""
