"""What tc costs, beside the least that could do the same: run ``python -m bench``."""
