"""What the evaluation tasks ask a model: prompts, stops, sampling, as EvalPlus has them."""

from __future__ import annotations

import inspect
import re

import evalplus.codegen
import pytest

from codedpo_plugin.demo import embedded_model
from codedpo_plugin.generation.prompts import CHAT_STOP
from codedpo_plugin.suites.micro import micro_problems

from .support import MockLM, evaluate


def test_a_base_model_continues_the_prompt_up_to_the_suites_stops():
    lm = MockLM(lambda request: "    return None\n")
    evaluate(lm, "codedpo_micro", {}, limit=1)
    prompt, options = lm.requests[0].args
    assert prompt == micro_problems("heldout")[0].prompt
    assert "\ndef " in options["until"]
    assert options["do_sample"] is False


@pytest.mark.parametrize("begun", [True, False], ids=["continues", "begins_anew"])
def test_a_chat_model_is_instructed_and_its_code_block_is_run(begun):
    """A server may not let an answer be begun for the model: then it says the beginning itself."""
    entries = {e.prompt.strip(): e for e in micro_problems("heldout")}

    def answer(request) -> str:
        entry = next(e for prompt, e in entries.items() if prompt in request.args[0])
        opening = "" if begun else "Here you are:\n```python\n"
        return f"{opening}import math\n\n{entry.prompt}{entry.reference}\n```\nIt works:\n```\n>>> f(1)\n```\n"

    lm = MockLM(answer)
    results = evaluate(lm, "codedpo_micro", {}, limit=3, apply_chat_template=True)
    assert lm.requests[0].args[0].startswith("<user>Please provide a self-contained Python script")
    assert results["results"]["codedpo_micro"]["pass@1,execute"] == 1.0
    assert results["configs"]["codedpo_micro"]["generation_kwargs"]["until"] == list(CHAT_STOP)


TEMPLATE = """{% for m in messages %}<|{{ m.role }}|>
{{ m.content }}<|end|>
{% endfor %}{% if add_generation_prompt %}<|assistant|>
{% endif %}"""


def test_a_chat_model_is_asked_as_evalplus_asks_it():
    from evalplus.provider.utility import make_raw_chat_prompt
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(embedded_model())
    tokenizer.chat_template = TEMPLATE

    class Templated(MockLM):
        def apply_chat_template(self, chat_history, add_generation_prompt=True):
            return tokenizer.apply_chat_template(
                chat_history,
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
                continue_final_message=not add_generation_prompt,
            )

    lm = Templated(lambda request: "    pass\n")
    evaluate(lm, "codedpo_micro", {}, limit=1, apply_chat_template=True)
    source = inspect.getsource(evalplus.codegen.run_codegen)
    instruction, response = (
        re.search(rf'{name}_prefix = "(.*)"', source)[1] for name in ("instruction", "response")
    )
    prompt = micro_problems("heldout")[0].prompt
    assert lm.requests[0].args[0] == make_raw_chat_prompt(prompt, instruction, response, tokenizer)


def test_stops_that_are_given_count_for_chat_models_too():
    lm = MockLM(lambda request: "pass\n")
    options = {"limit": 1, "apply_chat_template": True, "gen_kwargs": {"until": ["END"]}}
    evaluate(lm, "codedpo_micro", {}, **options)
    assert lm.requests[0].args[1]["until"] == ["END"]


def test_answers_without_a_program_are_counted_and_said(caplog):
    evaluate(MockLM(lambda request: ""), "codedpo_micro", {}, limit=2)
    assert "codedpo_micro: of 2 answers: 2 solution_empty" in caplog.text


def test_several_samples_are_drawn_as_evalplus_draws_them():
    lm = MockLM(lambda request: "    pass\n")
    evaluate(lm, "codedpo_micro", {"n_samples": 2}, limit=1)
    assert lm.requests[0].args[1].items() >= {"do_sample": True, "temperature": 0.8, "top_p": 0.95}.items()


@pytest.mark.parametrize(("n_samples", "asked_again"), [(1, 0), (2, 2)])
def test_lm_evals_cache_keeps_greedy_answers_and_no_sampled_ones(tmp_path, n_samples, asked_again):
    right = {e.prompt: e.reference.removeprefix(e.prompt) for e in micro_problems("heldout")}
    models = [MockLM(lambda request: right[request.args[0]]) for _ in range(2)]
    options = {"use_cache": str(tmp_path / "cache"), "limit": 3}
    found = [evaluate(lm, "codedpo_micro", {"n_samples": n_samples}, **options) for lm in models]
    assert [results["results"]["codedpo_micro"]["pass@1,execute"] for results in found] == [1.0, 1.0]
    assert len(models[0].requests) == 3 * n_samples
    assert len(models[1].requests) == 3 * asked_again


def test_generation_arguments_can_be_overridden():
    lm = MockLM(lambda request: "    pass\n")
    evaluate(lm, "codedpo_micro", {}, limit=1, gen_kwargs={"max_gen_toks": 17, "temperature": 0.3})
    assert lm.requests[0].args[1]["max_gen_toks"] == 17
    assert lm.requests[0].args[1]["temperature"] == 0.3
