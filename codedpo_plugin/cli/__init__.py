"""The command line: one small module per command. Importing it imports no library that is slow to import."""

from __future__ import annotations

import sys
import traceback
from typing import Final

import typer

from codedpo_plugin.cli import (
    build,
    calibrate,
    compare,
    demo,
    doctor,
    ds1000,
    evaluate,
    generate,
    import_logs,
    plugins,
    problems,
    publish,
    report,
    run,
    seeds,
    stages,
    status,
    tasks_path,
    train,
)
from codedpo_plugin.errors import CodeDPOError, UsageError

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130

app = typer.Typer(
    name="codedpo",
    help="Preference training for code models, out of the evaluation pipelines you already run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("demo")(demo.demo)
app.command("run")(run.run)
app.command("seeds")(seeds.seeds)
app.command("problems")(problems.problems)
app.command("generate")(generate.generate)
app.command("build")(build.build)
app.command("execute")(stages.execute)
app.command("score")(stages.score)
app.command("pairs")(stages.pairs)
app.command("calibrate")(calibrate.calibrate)
app.add_typer(import_logs.app, name="import")
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(ds1000.app, name="ds1000")
app.command("compare")(compare.compare)
app.command("push")(publish.push)
app.command("pull")(publish.pull)
app.command("status")(status.status)
app.command("report")(report.report)
app.command("plugins")(plugins.plugins)
app.command("doctor")(doctor.doctor)
app.command("tasks-path")(tasks_path.tasks_path)


def main() -> None:
    """Run the command line. Exit status: 0 done, 1 a stage failed, 2 wrong usage, 130 interrupted."""
    try:
        app()
    except UsageError as error:
        _fail(str(error), EXIT_USAGE)
    except CodeDPOError as error:
        _fail(str(error), EXIT_FAILED)
    except SystemExit as leaving:  # typer turns an interrupt into this status
        if leaving.code == EXIT_INTERRUPTED:
            _fail("interrupted; what was finished is kept, the same command continues", EXIT_INTERRUPTED)
        raise


def _fail(message: str, status: int) -> None:
    """Print a message, with --verbose also where it came from, and leave."""
    if {"-v", "--verbose"} & set(sys.argv):
        traceback.print_exc()
    sys.stderr.write(f"error: {message}\n")
    sys.exit(status)
