"""The node as its API and commands use it: its configuration, its pumps, and operations on both."""

from localnode.node.node import Node
from localnode.node.pipe import NodePipe, PushRequest, token

__all__ = ["Node", "NodePipe", "PushRequest", "token"]
