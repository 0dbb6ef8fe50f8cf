"""Manifests, rights, admission, alerts, the wrapper and the image."""
