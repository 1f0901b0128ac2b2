"""KTO with the real trainer: what it is given, and that it learns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def shown(tmp_path, monkeypatch, seed: int) -> list[str]:
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
    first, again, other = (shown(tmp_path, monkeypatch, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert sorted(first) == sorted(other)
    assert len(first) == 40
    together = sum(one.split()[1] == two.split()[1] for one, two in zip(first[::2], first[1::2], strict=True))
    assert together < 5  # unshuffled, both answers of every problem are neighbours


@pytest.mark.parametrize(
    ("desirable", "undesirable", "weights"),
    [
        (3, 3, (1.0, 1.0)),
        (2, 3, (1.5, 1.0)),
        (4, 3, (1.0, 4 / 3)),
        (1, 50, (50.0, 1.0)),
        (0, 3, (1.0, 1.0)),
        (3, 0, (1.0, 1.0)),
        (0, 0, (1.0, 1.0)),
    ],
)
def test_the_rarer_kind_of_answers_weighs_more(desirable, undesirable, weights):
    assert tuple(kto.balance(desirable, undesirable).values()) == weights


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_both_kinds_weigh_the_same_in_total_whatever_their_numbers(desirable, undesirable):
    found = kto.balance(desirable, undesirable)
    total = found["desirable_weight"] * desirable, found["undesirable_weight"] * undesirable
    assert total[0] == pytest.approx(total[1])
    assert min(found.values()) == 1.0


def test_the_trainer_gets_the_weights_of_the_answers_it_is_given(tiny_model, tmp_path, monkeypatch):
    import trl

    made: list[trl.KTOConfig] = []
    real = trl.KTOConfig
    monkeypatch.setattr(trl, "KTOConfig", lambda **options: made.append(real(**options)) or made[-1])
    pairs = [pair("    good", f"    bad {i}") for i in range(3)]  # one answer is better than three
    counts = trained(pairs_file(tmp_path, pairs), tiny_model, tmp_path / "out", method="kto").counts
    assert (counts["desirable"], counts["undesirable"]) == (1, 3)
    assert (made[0].desirable_weight, made[0].undesirable_weight) == (3.0, 1.0)


def test_a_batch_of_one_is_refused(tiny_model, tmp_path):
    source = pairs_file(tmp_path, micro_pairs(2))
    with pytest.raises(UsageError, match="batch_size has to be 2 or more"):
        trained(source, tiny_model, tmp_path / "out", method="kto", batch_size=1)
