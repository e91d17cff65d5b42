"""Decides which rows come in a batch, which are mixed in, which are left out in turn."""
