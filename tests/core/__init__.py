"""The rules by themselves, one file per module of `jobs/core`."""
