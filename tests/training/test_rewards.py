"""The pass rate as a reward, on its own and in TRL's GRPOTrainer."""

from __future__ import annotations

import logging

import pytest

from codedpo_plugin.errors import SandboxError, UsageError
from codedpo_plugin.execution import Limits, Pool
from codedpo_plugin.execution.requests import Runtime
from codedpo_plugin.training.rewards import PassRateReward, program_of

PROMPT = "def f(x):\n"
TESTS = ["assert f(1) == 2", "assert f(2) == 3", "assert f(5) == 6", "assert f(0) == 1"]
RIGHT, HALF, WRONG, LOOP = (
    f"    {body}\n"
    for body in ("return x + 1", "return x + 1 if x > 1 else 7", "import os; os._exit(0)", "while True: pass")
)


@pytest.fixture
def reward():
    with PassRateReward(entry_point="f", workers=1, limits=Limits(cpu_s=0.2)) as reward:
        yield reward


def test_the_reward_is_the_share_of_tests_passed(reward):
    completions = [RIGHT, HALF, WRONG, LOOP, "    return (", RIGHT]
    assert reward([PROMPT] * 6, completions, [TESTS] * 6) == [1.0, 0.5, 0.0, 0.0, 0.0, 1.0]


def test_each_prompt_has_its_own_tests_and_function(reward):
    prompts, completions = [PROMPT, "def g(x):\n", PROMPT], [RIGHT, RIGHT, HALF]
    tests = [TESTS[:2], ["assert g(4) == 5", "assert g(4) == 4"], TESTS]
    assert reward(prompts, completions, tests, entry_point=["f", "g", "f"], trainer_state=None) == [1.0, 0.5, 0.5]


def test_a_completion_without_tests_is_not_scored(reward):
    assert reward([PROMPT, PROMPT], [RIGHT, RIGHT], [[], TESTS]) == [None, 1.0]


@pytest.mark.parametrize(
    ("prompt", "completion", "program"),
    [
        ("def f():\n", "    pass", "def f():\n    pass"),
        (
            [{"role": "user", "content": "f!"}],
            [{"role": "assistant", "content": "Sure:\n```python\nx\n```\n"}],
            "x",
        ),
        ([{"role": "user", "content": "f!"}], "x = 1", "x = 1"),
    ],
)
def test_a_completion_continues_a_text_and_answers_a_message(prompt, completion, program):
    assert program_of(prompt, completion) == program


def test_a_failure_of_the_engine_is_no_wrong_answer_and_does_not_go_on_for_ever(reward, monkeypatch, caplog):
    def fail(self, jobs):
        raise SandboxError("no worker could be started")

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(Pool, "run", fail)
        assert reward([PROMPT] * 2, [RIGHT, WRONG], [TESTS] * 2) == [None, None]
        assert "2 completions could not be run" in caplog.text
    assert reward([PROMPT], [RIGHT], [TESTS]) == [1.0]
    monkeypatch.setattr(Pool, "run", fail)
    assert [reward([PROMPT], [RIGHT], [TESTS]) for _ in range(2)] == [[None], [None]]
    with pytest.raises(SandboxError, match="3 batches in a row"):
        reward([PROMPT], [RIGHT], [TESTS])


NO_PROCESS = "import os\ndef fork(): raise BlockingIOError(11, 'no process to be had')\nos.fork = fork"


def test_a_machine_that_runs_no_programs_gives_no_rewards(reward, caplog):
    with Pool(1, runtime=Runtime(warm_up=NO_PROCESS)) as broken:
        reward.pool = broken
        assert reward([PROMPT] * 2, [RIGHT, WRONG], [TESTS] * 2) == [None, None]
    assert "no process to be had" in caplog.text


def test_a_program_that_brings_its_worker_down_is_wrong(reward, monkeypatch):
    wait = Pool._wait

    def killing(self, state):
        for seat in self._seats:
            if seat.tasks and seat.tasks[0].job.program.endswith(WRONG):
                seat.worker.process.kill()
        wait(self, state)

    monkeypatch.setattr(Pool, "_wait", killing)
    assert reward([PROMPT] * 3, [RIGHT, WRONG, HALF], [TESTS] * 3) == [1.0, 0.0, 0.5]


def test_where_nothing_confines_nothing_is_rewarded():
    with pytest.raises(UsageError, match="no such sandbox"):
        PassRateReward(sandbox="no such sandbox")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("broken", [False, True], ids=["scored", "not scored"])
def test_trl_trains_on_it(tiny_model, tmp_path, broken):
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    data = Dataset.from_list([{"prompt": PROMPT, "tests": TESTS, "entry_point": "f"}] * 4)
    config = GRPOConfig(
        str(tmp_path), per_device_train_batch_size=4, num_generations=4, max_completion_length=8, max_steps=2,
        report_to=[], use_cpu=True, logging_steps=1, save_strategy="no",
    )  # fmt: skip
    with PassRateReward() as reward, Pool(1, runtime=Runtime(warm_up=NO_PROCESS)) as unable:
        reward.pool = unable if broken else reward.pool
        trainer = GRPOTrainer(
            str(tiny_model), reward_funcs=reward, args=config, train_dataset=data,
            processing_class=AutoTokenizer.from_pretrained(tiny_model),
        )  # fmt: skip
        trainer.train()
    logged = [entry for entry in trainer.state.log_history if "rewards/pass_rate/mean" in entry]
    means = [entry["rewards/pass_rate/mean"] for entry in logged]
    assert len(means) == 2
    assert all(mean is None if broken else 0.0 <= mean <= 1.0 for mean in means)
