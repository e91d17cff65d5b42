"""Holds the steps of a shift, in order: gather features, compare, estimate, tell."""
