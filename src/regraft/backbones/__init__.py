"""Turns a name into a network that can be cut and given a new head."""
