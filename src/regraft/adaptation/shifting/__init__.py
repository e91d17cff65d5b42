"""Says of two domains whether, how and how much they differ, before anyone trains."""
