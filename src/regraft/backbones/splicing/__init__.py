"""Finds where a network can be cut, by watching and poisoning its own forward pass."""
