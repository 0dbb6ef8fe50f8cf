"""How the program logs in to Kubernetes."""
