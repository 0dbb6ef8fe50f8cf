"""Every order in which overlapping runs of sync-once, and what happens to them, can take their turns."""
