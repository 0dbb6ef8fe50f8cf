"""What watch promises."""
