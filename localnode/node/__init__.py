"""The node facade: what is configured, what runs, and how to ask for either."""

from localnode.node.node import Node
from localnode.node.pipe import NodePipe, PushRequest, token

__all__ = ["Node", "NodePipe", "PushRequest", "token"]
