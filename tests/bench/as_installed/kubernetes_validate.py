"""The Kubernetes client imports this where it is, 60 ms and 5 MB; the development tools bring it, an installation not.

On the path of the processes that are measured, before the real one, it makes them what users have.
"""

raise ImportError("kubernetes_validate is no dependency of kube-node-dns")
