"""What sync-once promises."""
