"""``codedpo plugins``: what is installed."""

from __future__ import annotations

from typing import Annotated

import typer


def plugins(json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List plugins with their hooks, in the order they are asked, and what they registered."""
    import json
    from dataclasses import asdict

    from codedpo_plugin.cli.console import out, table
    from codedpo_plugin.manager import create_plugins

    installed = create_plugins()
    registered = {
        "rankers": list(installed.rankers),
        "executors": list(installed.executors),
        "sandboxes": list(installed.sandboxes),
        "trainers": list(installed.trainers),
        "suites": list(installed.suites),
    }
    if json_output:
        out(json.dumps({"plugins": [asdict(p) for p in installed.describe()], **registered}, indent=2))
        return
    rows = [
        (p.name, p.version or ("built in" if p.built_in else ""), ", ".join(p.hooks)) for p in installed.describe()
    ]
    table("plugins, in the order they are asked", ("name", "version", "hooks"), rows)
    table("registered", ("kind", "names"), [(kind, ", ".join(names)) for kind, names in registered.items()])
