"""Adapts a classifier to rows without labels, one file a method."""
