"""Turns a chain and a line into what may move, and proves what did not."""
