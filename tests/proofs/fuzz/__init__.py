"""Input that nobody would write by hand, and what every run owes its user whatever it is given."""
