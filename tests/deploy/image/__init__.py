"""The container image's files, made as the Dockerfile says but without an engine, and what must hold of them."""
