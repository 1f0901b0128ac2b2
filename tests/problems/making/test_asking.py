"""Asking many questions: patiently, with a journal, and counting what it costs."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from codedpo_plugin.config import FactoryConfig
from codedpo_plugin.errors import GenerationError, InputError
from codedpo_plugin.problems.making.asking import FAILURES_IN_A_ROW, Asker, is_answer, sampling, tokens
from codedpo_plugin.problems.making.journal import Journal
from codedpo_plugin.problems.making.methods import Question

from .support import FakeModel

CONFIG = FactoryConfig(method="oss-instruct", prompt_form="chat", requests_a_call=4, retries=1, retry_wait_s=0)


def questions(number: int) -> list[Question]:
    return [Question(f"k{i}", f"question {i}", lambda answer: answer) for i in range(number)]


def ask(lm, number: int = 6, path=None, config: FactoryConfig = CONFIG, seed: int = 0):
    counts: Counter[str] = Counter()
    asker = Asker(lm, config, Journal(path, str(config.model_args.get("base_url", ""))), counts, seed)
    found = {q.key: answer for q, answer in asker.answers(questions(number))}
    return found, counts


def echo(prompt: str) -> str:
    return prompt.removeprefix("<user>question ").removesuffix("<assistant>")


def test_every_question_gets_its_answer_in_order():
    lm = FakeModel(echo)
    found, counts = ask(lm)
    assert found == {f"k{i}": str(i) for i in range(6)}
    assert list(found) == [f"k{i}" for i in range(6)]
    assert [len(call) for call in lm.calls] == [4, 2]
    assert counts["questions"] == 6


def test_no_questions_make_no_call():
    lm = FakeModel(echo)
    assert ask(lm, 0) == ({}, Counter())
    assert lm.calls == []


def test_equal_questions_are_asked_once():
    lm = FakeModel(echo)
    same = [Question(f"k{i}", "question 1", lambda answer: answer) for i in range(3)]
    asker = Asker(lm, CONFIG)
    assert [answer for _, answer in asker.answers(same)] == ["1"] * 3
    assert [len(call) for call in lm.calls] == [1]


def test_a_run_continues_where_it_was_stopped(tmp_path):
    path = tmp_path / "answers.jsonl"

    def breaks(prompt: str) -> str:
        if "question 5" in prompt:
            raise KeyboardInterrupt
        return echo(prompt)

    with pytest.raises(KeyboardInterrupt):
        ask(FakeModel(breaks), path=path)
    lm = FakeModel(echo)
    found, counts = ask(lm, path=path)
    assert list(found.values()) == [str(i) for i in range(6)]
    assert [len(call) for call in lm.calls] == [2]
    whole = ask(FakeModel(echo))[1]
    assert (counts["questions"], counts["answers_replayed"]) == (whole["questions"], 4)
    for name in ("tokens_in", "tokens_out"):
        assert counts[name] + counts[f"{name}_replayed"] == whole[name]
        assert counts[name] > 0


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_a_torn_line_is_asked_again(tmp_path, cut):
    path = tmp_path / "answers.jsonl"
    ask(FakeModel(echo), path=path)
    path.write_bytes(path.read_bytes()[:-cut])
    lm = FakeModel(echo)
    found, _ = ask(lm, path=path)
    assert list(found.values()) == [str(i) for i in range(6)]
    assert [len(call) for call in lm.calls] == ([1] if cut > 1 else [])
    assert all(json.loads(line) for line in path.read_text().splitlines()[:5])
    assert ask(FakeModel(pytest.fail), path=path)[0] == found


def test_what_an_answer_depends_on_is_part_of_its_key(tmp_path):
    path = tmp_path / "answers.jsonl"
    ask(FakeModel(echo), path=path)
    for changed, seed in (({"temperature": 0.5}, 0), ({"model": "vllm"}, 0), ({"max_tokens": 7}, 0), ({}, 1)):
        lm = FakeModel(echo)
        ask(lm, path=path, config=CONFIG.model_copy(update=changed), seed=seed)
        assert len(lm.calls) == 2
    lm = FakeModel(echo)
    reached = {"retries": 9, "requests_a_call": 1, "model_args": {"num_concurrent": 8}}
    ask(lm, path=path, config=CONFIG.model_copy(update=reached))
    assert lm.calls == []


class Flaky(FakeModel):
    """Fails on some calls."""

    def __init__(self, fails, answer=echo) -> None:
        super().__init__(answer)
        self.fails = fails

    def generate_until(self, instances):
        answers = super().generate_until(instances)
        if self.fails(len(self.calls), self.calls[-1]):
            raise TimeoutError("read timed out")
        return answers


def test_a_call_that_fails_is_repeated():
    found, counts = ask(Flaky(lambda number, _: number == 1))
    assert len(found) == 6
    assert counts["calls_repeated"] == 1


def test_one_request_that_always_fails_costs_that_request_only():
    found, counts = ask(Flaky(lambda _, prompts: any("question 2<" in p for p in prompts)))
    assert list(found) == ["k0", "k1", "k3", "k4", "k5"]
    assert counts["requests_failed"] == 1


def test_a_model_that_is_gone_stops_the_run_and_what_it_said_is_kept(tmp_path):
    path = tmp_path / "answers.jsonl"
    lm = Flaky(
        lambda number, prompts: "question 4<" in "".join(prompts) or "question 5<" in "".join(prompts) or number > 3
    )
    with pytest.raises(GenerationError, match=r"failed 2 times .*TimeoutError: read timed out.*run it again"):
        ask(lm, 12, path=path)
    assert FAILURES_IN_A_ROW == 3
    again = FakeModel(echo)
    ask(again, 12, path=path)
    assert sum(map(len, again.calls)) == 8


def test_a_single_request_that_fails_is_no_end_but_several_in_a_row_are():
    alone = CONFIG.model_copy(update={"requests_a_call": 1})
    found, counts = ask(Flaky(lambda _, prompts: "question 2<" in prompts[0]), 5, config=alone)
    assert list(found) == ["k0", "k1", "k3", "k4"]
    assert counts["requests_failed"] == 1
    lm = Flaky(lambda _, prompts: "question 0<" not in prompts[0])
    with pytest.raises(GenerationError, match="run it again"):
        ask(lm, 9, config=alone)
    assert len(lm.calls) == 1 + 2 * FAILURES_IN_A_ROW


def test_where_every_request_fails_the_reason_is_told():
    with pytest.raises(GenerationError, match="TimeoutError: read timed out"):
        ask(Flaky(lambda *_: True), 1)


def test_pauses_between_repetitions_double(monkeypatch):
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    config = CONFIG.model_copy(update={"retries": 3, "retry_wait_s": 1.5, "requests_a_call": 1})
    with pytest.raises(GenerationError):
        ask(Flaky(lambda *_: True), 1, config=config)
    assert pauses == [1.5, 3.0, 6.0]


def test_a_model_that_answers_too_little_has_failed():
    class Short(FakeModel):
        def generate_until(self, instances):
            return super().generate_until(instances)[1:]

    with pytest.raises(GenerationError, match="0 answers to 1 requests"):
        ask(Short(echo))


class FakeServer(FakeModel):
    """Stands for a client of a server."""

    base_url = "http://localhost"


@pytest.mark.parametrize("rubbish", [None, 7, {"error": "overloaded"}, ["x"]])
def test_an_answer_that_is_no_text_has_failed_and_is_not_kept(rubbish, tmp_path):
    path = tmp_path / "a.jsonl"
    lm = FakeModel(lambda prompt: rubbish if "question 1<" in prompt else echo(prompt))
    found, counts = ask(lm, 3, path)
    assert list(found) == ["k0", "k2"]
    assert [len(call) for call in lm.calls] == [3, 1], "what is missing is asked for again"
    assert (counts["requests_failed"], counts["calls_repeated"]) == (1, 1)
    assert ask(FakeModel(echo), 3, path)[0] == {f"k{i}": str(i) for i in range(3)}


def test_an_empty_text_of_a_server_is_an_error_and_of_a_model_in_this_process_an_answer(monkeypatch):
    assert ask(FakeModel(lambda _: ""), 1)[0] == {"k0": ""}
    with pytest.raises(GenerationError, match=r"failed 2 times on 1 requests: no text came back"):
        ask(FakeServer(lambda _: ""), 1)
    monkeypatch.setattr("lm_eval.models.api_models.LMEVAL_MODEL_NONE_ANSWER_PLACEHOLDER", "NONE")
    assert not is_answer(FakeServer(echo), "NONE")
    assert is_answer(FakeModel(echo), "NONE")
    assert is_answer(FakeServer(echo), " ")


def test_a_server_that_only_gives_empty_texts_ends_the_run(tmp_path):
    path = tmp_path / "a.jsonl"
    lm = FakeServer(lambda prompt: echo(prompt) if "question 0<" in prompt else "")
    with pytest.raises(GenerationError, match=r"no text came back.*run it again"):
        ask(lm, 12, path)
    assert [len(call) for call in lm.calls] == [4, 3, 4, 4] + [1] * 2 * FAILURES_IN_A_ROW
    assert ask(FakeServer(echo), 12, path)[0] == {f"k{i}": str(i) for i in range(12)}


def test_scattered_empty_texts_among_answers_do_not_end_the_run():
    found, counts = ask(FakeServer(lambda prompt: "" if int(echo(prompt)) % 4 else echo(prompt)), 12)
    assert list(found) == ["k0", "k4", "k8"]
    assert counts["requests_failed"] == 9


def test_answers_are_on_the_disk_before_the_next_call(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = []

    def look(prompt: str) -> str:
        lines.append(len(path.read_bytes().splitlines()) if path.exists() else 0)
        return echo(prompt)

    ask(FakeModel(look), 6, path)
    assert lines == [0, 0, 0, 0, 4, 4]
    lines.clear()
    path.unlink()
    ask(Flaky(lambda _, prompts: len(prompts) > 1, look), 3, path)
    assert lines[-3:] == [0, 1, 2], "also where requests are made one by one"


def test_progress_is_told_after_each_call_whatever_became_of_the_questions():
    told: list[int] = []
    lm = Flaky(lambda _, prompts: any("question 2<" in p for p in prompts))
    list(Asker(lm, CONFIG, progress=told.append).answers(questions(6)))
    assert told == [4, 2]


def test_repeated_requests_cost_again():
    once = ask(FakeModel(echo), 4)[1]
    twice = ask(Flaky(lambda number, _: number == 1), 4)[1]
    assert twice["tokens_in"] == 2 * once["tokens_in"]
    assert twice["tokens_out"] == once["tokens_out"]


def test_text_that_utf8_cannot_hold_survives_the_journal(tmp_path):
    path = tmp_path / "a.jsonl"
    ask(FakeModel(lambda _: "\ud800 é\n"), 1, path)
    assert ask(FakeModel(pytest.fail), 1, path)[0] == {"k0": "\ud800 é\n"}


def test_tokens_are_those_of_the_model_or_estimated():
    class WithTokenizer(FakeModel):
        def tok_encode(self, text):
            return text.split()

    assert ask(WithTokenizer(lambda _: "one two three"), 1)[1] == {"questions": 1, "tokens_in": 2, "tokens_out": 3}
    counts = ask(FakeModel(lambda _: "x" * 9), 1)[1]
    assert (counts["tokens_out"], counts["tokens_are_estimated"]) == (3, 1)
    assert tokens(FakeModel(echo), "") == (0, False)


def test_a_server_whose_tokenizer_is_unknown_is_estimated():
    class Server(FakeModel):
        tokenizer_backend = None

        def tok_encode(self, text):
            return [text]

    counts = ask(Server(lambda _: "x" * 8), 1)[1]
    assert (counts["tokens_out"], counts["tokens_are_estimated"]) == (2, 1)


def test_a_chat_server_counts_what_the_messages_say():
    class Chat(FakeModel):
        tokenizer_backend = "huggingface"

        def apply_chat_template(self, messages):
            from lm_eval.models.api_models import JsonChatStr

            return JsonChatStr(json.dumps(messages))

        def tok_encode(self, text):
            return text

    counts = ask(Chat(lambda _: "x" * 9), 1)[1]
    assert counts["tokens_in"] == -(-len("question 0") // 4)
    assert (counts["tokens_out"], counts["tokens_are_estimated"]) == (3, 1)


def test_sampling_is_what_is_configured():
    assert sampling(CONFIG) == {"until": [], "max_gen_toks": 1024, "do_sample": False}
    warm = CONFIG.model_copy(update={"temperature": 0.7, "prompt_form": "base"})
    assert sampling(warm)["temperature"] == 0.7
    assert "\nLines of " in sampling(warm)["until"]


def test_a_journal_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        ask(FakeModel(echo), path=tmp_path / "file" / "answers.jsonl")
