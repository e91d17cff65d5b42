"""Holds the steps of a fit, in order: prepare, train, compare, record."""
