"""``codedpo doctor``: what this machine can confine, by trying to break it."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Test every promise of every sandbox on this machine. Exit status 1 if programs cannot be confined."""
    import json
    from dataclasses import asdict

    from codedpo_plugin.cli.console import out, table
    from codedpo_plugin.execution.doctor import examine
    from codedpo_plugin.execution.sandboxes import UNCONFINED
    from codedpo_plugin.manager import create_plugins

    sandboxes = create_plugins().sandboxes
    found = {name: examine(name, sandboxes) for name in sandboxes if name != UNCONFINED}
    usable = [name for name, exam in found.items() if exam.usable]
    if json_output:
        out(json.dumps({name: asdict(exam) | {"usable": exam.usable} for name, exam in found.items()}, indent=2))
    else:
        for name, exam in found.items():
            if exam.unavailable:
                out(f"{name}: not available: {exam.unavailable}\n")
                continue
            rows = [(p.promise, "holds" if p.holds else "BROKEN", p.detail) for p in exam.promises]
            table(name, ("promise", "", "what was tried"), rows)
        out(
            f"programs will run in: {usable[0]}"
            if usable
            else "programs cannot be confined here and will be refused"
        )
    raise typer.Exit(0 if usable else 1)
