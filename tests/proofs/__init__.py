"""Interleavings, faults, fuzz, soak and mutants."""
