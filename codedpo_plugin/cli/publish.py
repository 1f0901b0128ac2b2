"""``codedpo push`` and ``pull``: run directories to an object store and back."""

from __future__ import annotations

from typing import Annotated

import typer

from codedpo_plugin.cli.options import Output, RunPath

Address = Annotated[str, typer.Argument(help="s3://BUCKET/NAME, gs://…, file:///…", metavar="URL")]


def push(directory: RunPath, url: Address) -> None:
    """Copy what is finished of DIR to a URL; what is there already is left out."""
    from codedpo_plugin.cli.console import out, say
    from codedpo_plugin.publishing import push

    counts = push(directory, url)
    say(f"{counts['copied']} copied, {counts['unchanged']} unchanged, {counts['removed']} removed")
    out(f"published: {url}")


def pull(url: Address, output: Output) -> None:
    """Copy a run directory back from a URL, to look at it or to go on with it."""
    from codedpo_plugin.cli.console import out, say
    from codedpo_plugin.publishing import pull

    counts = pull(url, output)
    say(f"{counts['copied']} copied, {counts['unchanged']} unchanged")
    out(f"run: {output}")
