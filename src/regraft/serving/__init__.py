"""Turns a run folder into predictions."""
