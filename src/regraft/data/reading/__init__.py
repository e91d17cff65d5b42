"""Reads folders, tables, archives, pictures and Python objects into tables of texts."""
