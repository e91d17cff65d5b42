"""Keeps where a training stands, so that it can be gone on with."""
