"""Holds what draws two domains together while the trunk moves: data, batches, judges, terms."""
