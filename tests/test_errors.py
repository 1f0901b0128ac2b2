"""The errors: one class per boundary, and messages that say what was meant."""

from __future__ import annotations

import pytest

from codedpo_plugin import errors
from codedpo_plugin.errors import CodeDPOError, GenerationError, InputError, RankingError, boundary, unknown_name


@pytest.mark.parametrize(
    "name",
    [
        "UsageError",
        "InputError",
        "PluginError",
        "GenerationError",
        "SandboxError",
        "RankingError",
        "PairingError",
        "TrainingError",
        "EvaluationError",
    ],
)
def test_every_boundary_has_an_error_with_a_message_for_the_user(name: str) -> None:
    error = getattr(errors, name)
    assert issubclass(error, CodeDPOError)
    assert error.__doc__


def test_a_boundary_attributes_a_foreign_error() -> None:
    message = r"^ranking p failed: ZeroDivisionError: division by zero$"
    with pytest.raises(RankingError, match=message) as caught, boundary(RankingError, "ranking p failed"):
        _ = 1 / 0
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_boundary_passes_an_error_that_has_a_message_already() -> None:
    original = GenerationError("the model is gone")
    with pytest.raises(GenerationError) as caught, boundary(RankingError, "ranking failed"):
        raise original
    assert caught.value is original


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_boundary_passes_interrupts(interrupt: type[BaseException]) -> None:
    with pytest.raises(interrupt), boundary(InputError, "reading failed"):
        raise interrupt


def test_a_boundary_is_silent_when_nothing_happens() -> None:
    seen = []
    with boundary(InputError, "reading failed"):
        seen.append("done")
    assert seen == ["done"]


def test_an_unknown_name_comes_with_its_near_match_and_all_valid_names() -> None:
    message = str(unknown_name("ranker", "randon", ["self-validation", "random"]))
    assert message == "unknown ranker 'randon'. Did you mean 'random'? Known: random, self-validation."


def test_an_unknown_name_far_from_all_others_comes_with_the_valid_names_only() -> None:
    assert str(unknown_name("suite", "zzz", ["micro"])) == "unknown suite 'zzz'. Known: micro."


def test_an_unknown_name_among_none_says_so() -> None:
    assert str(unknown_name("trainer", "dpo", [])).endswith("Known: none.")


def test_a_missing_module_of_an_extra_comes_with_what_to_install() -> None:
    with (
        pytest.raises(InputError, match=r"'pathspec': pip install 'codedpo-plugin\[factory\]'"),
        boundary(InputError, "reading failed"),
    ):
        raise ModuleNotFoundError("No module named 'pathspec'", name="pathspec")
