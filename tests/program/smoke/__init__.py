"""Each command once, as its users run it: what `python -m tests --quick` has time for."""
