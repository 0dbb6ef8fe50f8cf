"""What double and real API server have in common, stated once and tried against both."""
