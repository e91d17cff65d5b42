"""Keeps what grows with the rows outside of memory: numbers and cells in mapped files."""
