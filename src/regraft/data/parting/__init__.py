"""Finds what of the rows of a data set belongs together, or is wanted: units, shares."""
