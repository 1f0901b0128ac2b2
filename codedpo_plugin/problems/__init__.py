"""The problem factory: seeds from open-source code, problems from seeds, and cleaning.

``seeds`` finds snippets, ``making`` has a model turn them into problems, ``cleaning`` drops what is duplicated,
contaminated or broken. Each part can be used by itself.
"""
