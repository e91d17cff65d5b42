"""Holds the steps of a comparison: settings, trials, their folder, the document."""
