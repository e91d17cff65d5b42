"""Turns a chain and facts of the data into a list of phases, one file a method."""
