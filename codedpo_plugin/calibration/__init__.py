"""How probable it is that a pair is right: a small model over the posterior and the shape of the pass matrix."""
