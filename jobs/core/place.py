"""Where a node is: its own annotation, else the default."""

from dataclasses import replace

from jobs.core.coordinates import Coordinates
from jobs.core.node import NodeList


def placed(listed: NodeList, default: Coordinates | None) -> NodeList:
    """Give nodes without the annotation for it a default place."""
    if default is None:
        return listed
    nodes = (node if node.coordinates is not None else replace(node, coordinates=str(default)) for node in listed.nodes)
    return replace(listed, nodes=tuple(nodes))
