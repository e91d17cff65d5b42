"""Trains heads on features that were computed once."""
