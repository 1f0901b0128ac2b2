"""Failures of training: what is missing is named, with what to do."""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from codedpo_plugin.config import TrainConfig
from codedpo_plugin.errors import TrainingError
from codedpo_plugin.training.failures import explained, quiet

HERE = Path(__file__).parent


def raised(error: Exception, **fields) -> str:
    with pytest.raises(TrainingError) as caught, explained(TrainConfig(**fields), HERE):
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
    with pytest.raises(TrainingError, match="not enough memory"), explained(TrainConfig(), HERE):
        torch.empty(1 << 60)


@pytest.fixture
def no_large_files() -> Iterator[None]:
    """Let writing fail after 64 KiB, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("library", "save"), [("torch", "save"), ("safetensors.torch", "save_file")])
@pytest.mark.usefixtures("no_large_files")
def test_what_libraries_cannot_write_is_told_in_the_words_that_are_looked_for(tmp_path, library, save):
    torch = pytest.importorskip("torch", reason="training needs the extra 'train'")
    module = pytest.importorskip(library, reason="training needs the extra 'train'")
    failing = pytest.raises(TrainingError, match=r"cannot be written, where .* MB are free: ")
    with failing, explained(TrainConfig(), tmp_path):
        getattr(module, save)({"weights": torch.zeros(1 << 20)}, tmp_path / "weights")


def test_a_disk_that_is_gone_is_told():
    with pytest.raises(TrainingError, match="its disk cannot be asked"), explained(TrainConfig(), HERE / "gone"):
        raise OSError(errno.ESTALE, "Stale file handle")


@pytest.mark.parametrize("error", [RuntimeError("shapes do not fit"), ValueError("x"), OSError("x")])
def test_other_failures_pass(error):
    with pytest.raises(type(error)) as caught, explained(TrainConfig(), HERE):
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
