"""Joins the rooms into the verbs: the only room that knows them all."""
