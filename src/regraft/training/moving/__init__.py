"""Moves the line while training goes on."""
