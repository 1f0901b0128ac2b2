"""Snippets of open-source code that inspire problems: documents, windows of lines, shares of languages."""
