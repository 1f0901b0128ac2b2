"""How probable it is that a pair is right: a small model over the shape of the pass matrix."""
