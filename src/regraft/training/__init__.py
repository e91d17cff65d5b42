"""Turns phases and batches into moved weights."""
