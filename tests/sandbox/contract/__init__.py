"""What the double and a real API server have in common, stated once and tried on both."""
