"""Versions in git, what belongs to them, and what was deployed of them."""
