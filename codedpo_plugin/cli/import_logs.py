"""``codedpo import``: candidates from logs of runs that already happened."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codedpo_plugin.cli.options import file_of, local_only

app = typer.Typer(help="Candidates from logs of runs that already happened.", no_args_is_help=True)

Logs = Annotated[str, typer.Argument(help="The log file or its URL, or the folder it lies in.", metavar="PATH")]
Target = Annotated[Path, typer.Option("--output", "-o", help="The candidates.jsonl to write.", callback=local_only)]
Tests = Annotated[
    str | None, typer.Option(help="A candidates.jsonl or problems with tests, to take the tests from.")
]


@app.command("lm-eval")
def lm_eval(path: Logs, output: Target, tests: Tests = None) -> None:
    """Read the samples that `lm_eval --log_samples` wrote."""
    from codedpo_plugin.cli.console import out, say
    from codedpo_plugin.formats import jsonl
    from codedpo_plugin.importing.lm_eval_logs import read_lm_eval
    from codedpo_plugin.inputs import input_file

    imported = read_lm_eval(input_file(path), file_of(tests))
    jsonl.write(output, imported.candidates)
    say(imported.summary())
    out(f"candidates: {output}")


@app.command("evalplus")
def evalplus(
    path: Logs,
    output: Target,
    data: Annotated[
        str | None, typer.Option(help="EvalPlus's release file; default: as EvalPlus finds it.")
    ] = None,
) -> None:
    """Read EvalPlus's samples, or its eval_results.json, whose details become matrix.parquet beside the output."""
    from codedpo_plugin.cli.console import out, say
    from codedpo_plugin.formats import jsonl, parquet
    from codedpo_plugin.importing.evalplus_logs import read_evalplus
    from codedpo_plugin.inputs import input_file

    imported = read_evalplus(input_file(path), file_of(data))
    jsonl.write(output, imported.candidates)
    say(imported.summary())
    out(f"candidates: {output}")
    if imported.matrices:
        target = output.with_name("matrix.parquet")
        parquet.write_matrices(target, imported.matrices)
        out(f"matrix: {target}")
