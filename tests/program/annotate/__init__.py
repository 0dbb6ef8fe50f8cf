"""What annotate-once promises."""
