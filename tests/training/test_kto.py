"""KTO with the real trainer: what it is given, and that it learns."""

from __future__ import annotations

import pytest

from codedpo_plugin.errors import UsageError
from codedpo_plugin.training import kto

from .support import micro_pairs, pair, pairs_file, trained, weights

pytest.importorskip("torch", reason="training needs the extra 'train'")

pytestmark = pytest.mark.filterwarnings("default")  # the libraries below warn of each other


@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_training_moves_the_weights(tiny_model, tmp_path, lora):
    source = pairs_file(tmp_path, micro_pairs(3))
    counts = trained(source, tiny_model, tmp_path / "out", method="kto", lora=lora).counts
    assert weights(tmp_path / "out") != weights(tiny_model)
    assert (counts["desirable"], counts["undesirable"], counts["steps"]) == (3, 3, 3)


def given(tmp_path, monkeypatch, seed: int) -> list[str]:
    """Return the answers in the order in which the trainer is given them."""
    rows: list[dict] = []
    monkeypatch.setattr(kto, "train", lambda method, *others: rows.extend(method.rows))
    source = pairs_file(tmp_path, [pair(f"good {i}", f"bad {i}", problem_id=str(i)) for i in range(20)])
    from codedpo_plugin.config import ModelConfig, TrainConfig
    from codedpo_plugin.context import Context

    from .support import PLUGINS

    config = TrainConfig(method="kto", track_share=0.0)
    kto.train_kto(source, ModelConfig(), config, tmp_path / "out", Context(PLUGINS, seed))
    return [row["completion"] for row in rows]


def test_answers_are_shuffled_once_by_the_seed(tmp_path, monkeypatch):
    first, again, other = (given(tmp_path, monkeypatch, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert sorted(first) == sorted(other)
    assert len(first) == 40
    together = sum(one.split()[1] == two.split()[1] for one, two in zip(first[::2], first[1::2], strict=True))
    assert together < 5  # unshuffled, both answers of every problem are neighbours


def test_a_batch_of_one_is_refused(tiny_model, tmp_path):
    source = pairs_file(tmp_path, micro_pairs(2))
    with pytest.raises(UsageError, match="batch_size has to be 2 or more"):
        trained(source, tiny_model, tmp_path / "out", method="kto", batch_size=1)
