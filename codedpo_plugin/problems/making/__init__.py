"""Making problems with a model: what it is asked, what is kept of its answers, and how it is asked for many."""
