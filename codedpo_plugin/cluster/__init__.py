"""Executing on several machines: problems go to the nodes of a Ray cluster, matrices come back in order."""
