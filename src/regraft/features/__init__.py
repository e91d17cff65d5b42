"""Turns a network and rows into activations that need not be computed again."""
