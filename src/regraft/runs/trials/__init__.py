"""Trains a network again from where it came, to compare: a twin, or candidates."""
