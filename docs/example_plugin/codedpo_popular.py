"""A ranker that trusts tests most programs pass, and a report of one line."""

from codedpo_plugin import hookimpl
from codedpo_plugin.records import Scores


def popular(matrix, params):
    weights = matrix.passed.mean(axis=0)  # how many programs pass each test
    return Scores(matrix.problem_id, "popular", (matrix.passed * weights).sum(axis=1), weights)


@hookimpl
def codedpo_register_rankers(register):
    register("popular", popular)


@hookimpl
def codedpo_report(run):
    page = run.path / "report.txt"
    page.write_text(f"{len(run.pairs.read_text().splitlines())} pairs\n")
    return page
