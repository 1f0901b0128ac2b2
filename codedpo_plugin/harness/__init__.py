"""The bridge to lm-evaluation-harness: task classes, a replaying model, and where the task files are.

Nothing here is imported before a task is built: the YAML files name these classes, and lm-eval resolves them then.
"""
