"""Turns tensors into a number to be made small.

Source: none (regraft).
"""
