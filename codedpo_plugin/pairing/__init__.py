"""From scores to preference pairs: by correctness and by efficiency."""
