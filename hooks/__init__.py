"""The built-in plugins, one small module per concern; each only adapts the library to hooks.

Installed as ``codedpo_plugin.hooks``. All implementations are ``trylast``, so that installed plugins win.
"""
