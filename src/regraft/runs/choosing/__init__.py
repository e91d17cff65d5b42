"""Decides what the user left open, each choice with its reason."""
