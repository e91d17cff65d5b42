"""Turns typed words into the call of a verb, and its result into lines."""
