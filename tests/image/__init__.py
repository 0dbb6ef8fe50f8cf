"""The container image's files, made as the Dockerfile says but without a container engine, and what must hold of them."""
