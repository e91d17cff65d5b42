"""Holds the steps of an adaptation, in order: read the target, try, decide, keep, tell."""
