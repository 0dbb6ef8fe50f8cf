"""The tests, and the sandbox they share with people who want to try the program."""
