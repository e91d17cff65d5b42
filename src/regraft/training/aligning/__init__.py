"""Holds what draws two domains together while the trunk moves: batches, judges, terms."""
