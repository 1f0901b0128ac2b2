"""``codedpo ds1000``: the Python environment that the DS-1000 suite needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from codedpo_plugin.suites.ds1000_environment import Pin

app = typer.Typer(help="The Python environment of the DS-1000 suite.", no_args_is_help=True)

Folder = Annotated[Path | None, typer.Option("--path", help="Where to build it; default: the user's cache folder.")]


@app.command("setup")
def setup(
    path: Folder = None,
    python: Annotated[str | None, typer.Option(help="The Python to build it with: 3.9 to 3.11.")] = None,
    torch: Annotated[str | None, typer.Option(help="Another torch; the benchmark's own is 2.2.0.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Build all anew.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what pip says.")] = False,
) -> None:
    """Build the environment once; the same command goes on after an interruption, and mends what is wrong.

    An environment that exists already needs no setup: name its Python with --metadata '{"ds1000_python": "PYTHON"}'
    or the environment variable CODEDPO_DS1000_PYTHON.
    """
    import shutil
    import sys

    from codedpo_plugin.cli.console import out, say
    from codedpo_plugin.suites import ds1000_environment as environment

    pins = _pins(environment.PINS, torch)
    folder = (path or environment.home()).absolute()
    builder = environment.builder(python)
    say(f"DS-1000's environment is built in {folder}. What is not there yet is downloaded with pip:")
    say("  " + " ".join(pin.requirement for pin in pins) + " and what they depend on")
    say("  (3 GB on the disk with a CPU build of torch, which pip may be told to find; the default one has CUDA)")
    environment.require_own(folder)
    if restart:
        shutil.rmtree(folder, ignore_errors=True)
    environment.build(folder, builder, pins, say, verbose=verbose or sys.stderr.isatty())
    interpreter = environment.python_of(folder)
    out(f"ready: {interpreter}")
    named = interpreter if path else "PYTHON"
    out("use it with" if path else "the DS-1000 tasks find it there; another one is used with")
    out(f'  --metadata \'{{"{environment.METADATA_KEY}": "{named}"}}\'  or  {environment.VARIABLE}={named}')


def _pins(pins: tuple[Pin, ...], torch: str | None) -> tuple[Pin, ...]:
    """Return the pins, with the version of torch that was asked for."""
    return tuple(replace(pin, version=torch) if torch and pin.name == "torch" else pin for pin in pins)
