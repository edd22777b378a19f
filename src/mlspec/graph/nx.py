"""networkx, as ``nx``: imported by the functions that ask the graph something, so that what has nothing to do is not
slowed down by it."""

from mlspec.machine import python_paths

__all__ = ["nx"]

# It looks for backends of its own among all distributions on the path: those of a notebook's folder are none.
with python_paths.only_own():
    import networkx as nx
