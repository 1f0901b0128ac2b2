"""Failures of training: what is missing is named, with what to do."""

from __future__ import annotations

import pytest

from codedpo_plugin.config import TrainConfig
from codedpo_plugin.errors import TrainingError
from codedpo_plugin.training.failures import explained, quiet


def raised(error: Exception, **fields) -> str:
    with pytest.raises(TrainingError) as caught, explained(TrainConfig(**fields)):
        raise error
    assert caught.value.__cause__ is error
    return str(caught.value)


def test_a_missing_package_comes_with_the_command_that_installs_it():
    message = raised(ModuleNotFoundError("No module named 'trl'", name="trl"))
    assert message == "training needs trl: pip install 'codedpo-plugin[train]'"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
    ],
    ids=["python", "gpu", "cpu"],
)
def test_a_lack_of_memory_comes_with_what_to_try(error):
    assert raised(error) == (
        "there is not enough memory. Try batch_size 1 (it is 2) with more gradient_accumulation, a smaller "
        "max_length (it is 1024), gradient_checkpointing, lora, or a smaller model."
    )


def test_what_was_tried_already_is_not_advised():
    message = raised(MemoryError(), batch_size=1, lora=True, gradient_checkpointing=True)
    assert message == "there is not enough memory. Try a smaller max_length (it is 1024), or a smaller model."


def test_torch_says_it_in_the_words_that_are_looked_for():
    torch = pytest.importorskip("torch", reason="training needs the extra 'train'")
    with pytest.raises(TrainingError, match="not enough memory"), explained(TrainConfig()):
        torch.empty(1 << 60)


@pytest.mark.parametrize("error", [RuntimeError("shapes do not fit"), ValueError("x")])
def test_other_failures_pass(error):
    with pytest.raises(type(error)) as caught, explained(TrainConfig()):
        raise error
    assert caught.value is error


@pytest.mark.filterwarnings("default")
def test_libraries_are_quiet_for_a_while(capfd):
    datasets = pytest.importorskip("datasets", reason="training needs the extra 'train'")
    import warnings

    was = datasets.utils.are_progress_bars_disabled()
    with quiet():
        warnings.warn("old", FutureWarning, stacklevel=1)
        datasets.Dataset.from_list([{"a": 1}]).map(lambda row: row)
        assert datasets.utils.are_progress_bars_disabled()
    assert capfd.readouterr().err == ""
    assert datasets.utils.are_progress_bars_disabled() is was
