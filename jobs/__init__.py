"""Keep a domain in Route 53 equal to the addresses of the Kubernetes nodes that can serve right now."""
