"""Holds the steps of an adaptation that moves the trunk: what is asked, trained, decided."""
