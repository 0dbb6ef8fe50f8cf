"""The places to publish to: what sync-once asks of one, and the two that there are."""
