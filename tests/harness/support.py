"""A model that answers from a function, and lm-eval on our tasks."""

from __future__ import annotations

from lm_eval import simple_evaluate
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

from codedpo_plugin.generation.extraction import truncate
from codedpo_plugin.harness.discovery import tasks_path
from codedpo_plugin.suites.micro import micro_problems


class MockLM(LM):
    """Answers from a function of the prompt, up to what the request says, and keeps the requests it got."""

    def __init__(self, answer) -> None:
        super().__init__()
        self.answer, self.requests = answer, []

    def generate_until(self, requests, disable_tqdm=False):
        self.requests += requests
        return [truncate(self.answer(request), request.args[1]["until"]) for request in requests]

    tokenizer_name = "mock"

    def apply_chat_template(self, chat_history, add_generation_prompt=True):
        text = "".join(f"<{m['role']}>{m['content']}" for m in chat_history)
        return f"{text}<assistant>" if add_generation_prompt else text

    def loglikelihood(self, requests):
        raise AssertionError

    loglikelihood_rolling = loglikelihood


def manager(**metadata) -> TaskManager:
    return TaskManager(include_path=str(tasks_path()), include_defaults=False, metadata=metadata)


def evaluate(lm: LM, task: str, metadata: dict, **options):
    return simple_evaluate(model=lm, tasks=[task], task_manager=manager(**metadata), bootstrap_iters=0, **options)


def reference_answers(split: str, copies: int = 1, *, wrong: int = 0) -> dict[str, list[str]]:
    return {e.id: [e.reference] * copies + [e.wrong[0]] * wrong for e in micro_problems(split)}
