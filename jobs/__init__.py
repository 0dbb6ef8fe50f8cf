"""Keep a domain equal to the addresses of the Kubernetes nodes that can serve right now."""
