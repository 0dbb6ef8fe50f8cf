"""Measurements of the program, for people: nothing here asserts a time."""
