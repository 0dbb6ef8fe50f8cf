"""Doubles of the Kubernetes API server and of Route 53, for the tests and for people who try the program."""
