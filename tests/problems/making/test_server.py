"""A server that errors, dawdles or answers rubbish, asked through lm-eval's own client."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from codedpo_plugin.config import FactoryConfig
from codedpo_plugin.contracts import Seed
from codedpo_plugin.errors import GenerationError
from codedpo_plugin.generation.sampling import load_model
from codedpo_plugin.problems.making.asking import Asker
from codedpo_plugin.problems.making.factory import problems_from_seeds
from codedpo_plugin.problems.making.journal import Journal

from .support import good

pytestmark = pytest.mark.filterwarnings("default")  # of lm-eval's client

Reply = Callable[[int], tuple[int, bytes]]


class Server(HTTPServer):
    """Answers the n-th request as it is told."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply, self.number = reply, 0
        self.bodies: list[bytes] = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        status, body = self.server.reply(self.server.number)
        self.server.number += 1
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def completion(text: object) -> tuple[int, bytes]:
    """Return what both clients take: a base model goes on behind the heading, a chat model begins with it."""
    rest = text.removeprefix("[Problem Description]\n") if isinstance(text, str) else text
    return 200, json.dumps({"choices": [{"index": 0, "text": rest, "message": {"content": text}}]}).encode()


FORMS = {"local-completions": "base", "local-chat-completions": "chat"}


@pytest.fixture(params=list(FORMS))
def client(request) -> str:
    return request.param


@pytest.fixture
def serve() -> Iterator[Callable[[Reply], Server]]:
    servers = []

    def start(reply: Reply) -> Server:
        servers.append(Server(reply))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def make(
    server: Server, client: str, number: int = 2, path: Path | None = None, **arguments: object
) -> tuple[list[str], Counter[str]]:
    known = {
        "base_url": f"http://127.0.0.1:{server.server_port}/v1",
        "model": "m",
        "tokenizer_backend": None,
        "tokenized_requests": False,
        "max_retries": 1,
    }
    config = FactoryConfig(
        method="oss-instruct",
        model=client,
        model_args=known | arguments,
        batch_size=1,
        retries=1,
        retry_wait_s=0,
        prompt_form=FORMS[client],
    )
    counts: Counter[str] = Counter()
    seeds = [Seed(f"x = {i}", "python", "a.py") for i in range(number)]
    asker = Asker(load_model(config), config, Journal(path), counts)
    return [problem.entry_point for problem in problems_from_seeds(seeds, asker, counts)], counts


ANSWER = completion(good())
ERROR = 200, b'{"error": {"message": "overloaded"}}'


@pytest.mark.parametrize("concurrent", [1, 4])
def test_a_server_that_answers_makes_problems(serve, client, concurrent):
    server = serve(lambda _: ANSWER)
    found, counts = make(server, client, num_concurrent=concurrent)
    assert found == ["count_above_0"] * 2
    assert server.number == 2
    assert counts["tokens_are_estimated"] == 1
    assert counts["tokens_in"] > 250, "estimated from what the prompts say"


def test_a_chat_server_is_sent_the_question_as_a_message(serve):
    server = serve(lambda _: ANSWER)
    make(server, "local-chat-completions", 1)
    (message,) = json.loads(server.bodies[0])["messages"]
    assert message["role"] == "user"
    assert "x = 0" in message["content"]


def test_an_error_now_and_then_costs_nothing(serve, client):
    found, counts = make(serve(lambda number: (503, b"overloaded") if number == 0 else ANSWER), client)
    assert len(found) == 2
    assert counts["calls_repeated"] >= 1


@pytest.mark.parametrize("rubbish", [b"<html>502</html>", b"{}", b"[]", b"", ERROR[1]])
def test_a_server_that_only_errs_or_answers_rubbish_ends_the_run(serve, client, rubbish):
    with pytest.raises(GenerationError, match="the model failed 2 times on 1 requests"):
        make(serve(lambda _: (200, rubbish)), client)


@pytest.mark.parametrize("fault", [ERROR, completion(""), completion(None)])
def test_an_error_in_the_guise_of_an_answer_is_asked_again_and_never_kept(serve, client, fault, tmp_path):
    path = tmp_path / "answers.jsonl"
    found, counts = make(serve(lambda number: ANSWER if number else fault), client, 2, path)
    assert found == ["count_above_0"] * 2
    assert counts["calls_repeated"] == 1
    kept = [json.loads(line)["answer"] for line in path.read_text().splitlines()]
    assert len(kept) == 2
    assert all(good().endswith(answer) and answer for answer in kept)


def test_three_such_errors_in_a_row_end_the_run(serve, client, tmp_path):
    path = tmp_path / "answers.jsonl"
    with pytest.raises(GenerationError, match="what was answered is kept"):
        make(serve(lambda _: ERROR), client, 9, path)
    assert not path.exists()


@pytest.mark.parametrize("text", ["rubbish", "[Solution]\n\x00"])
def test_rubbish_in_the_answer_is_counted(serve, client, text):
    found, counts = make(serve(lambda _: completion(text)), client)
    assert found == []
    reasons = counts.keys() - {"questions", "tokens_in", "tokens_out", "tokens_are_estimated"}
    assert sum(counts[name] for name in reasons) == counts["questions"] == 2
    assert "answers_parsed" not in reasons
