"""Stands in for a package that the Kubernetes client imports where it is there: 60 ms and 5 MB that no user has.

On the path of the processes that are measured, before the real one, it makes them what users have.
"""

raise ImportError("kubernetes_validate is no dependency of kube-node-dns")
