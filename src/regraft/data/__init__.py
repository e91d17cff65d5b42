"""Turns a path or a name into rows with a split, and rows into tensors."""
