"""Turns predictions and labels into scores with intervals."""
