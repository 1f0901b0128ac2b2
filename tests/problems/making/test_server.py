"""A server that errors, dawdles or answers rubbish, asked through lm-eval's own client."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from codedpo_plugin.config import FactoryConfig
from codedpo_plugin.contracts import Seed
from codedpo_plugin.errors import GenerationError
from codedpo_plugin.generation.sampling import load_model
from codedpo_plugin.problems.making.asking import Asker
from codedpo_plugin.problems.making.factory import problems_from_seeds

from .support import good

pytestmark = pytest.mark.filterwarnings("default")  # of lm-eval's client

Reply = Callable[[int], tuple[int, bytes]]


class Server(HTTPServer):
    """Answers the n-th request as it is told."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply, self.number = reply, 0


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = self.server.reply(self.server.number)
        self.server.number += 1
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def completion(text: object) -> tuple[int, bytes]:
    return 200, json.dumps({"choices": [{"index": 0, "text": text}]}).encode()


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


def make(server: Server, number: int = 2) -> tuple[list[str], Counter[str]]:
    url = f"http://127.0.0.1:{server.server_port}/v1/completions"
    arguments = {
        "base_url": url,
        "model": "m",
        "tokenizer_backend": None,
        "tokenized_requests": False,
        "max_retries": 1,
    }
    config = FactoryConfig(
        method="oss-instruct",
        model="local-completions",
        model_args=arguments,
        batch_size=1,
        retries=1,
        retry_wait_s=0,
    )
    counts: Counter[str] = Counter()
    seeds = [Seed(f"x = {i}", "python", "a.py") for i in range(number)]
    asker = Asker(load_model(config), config, counts=counts)
    return [problem.entry_point for problem in problems_from_seeds(seeds, asker, counts)], counts


ANSWER = completion(good().removeprefix("[Problem Description]\n"))


def test_a_server_that_answers_makes_problems(serve):
    found, counts = make(serve(lambda _: ANSWER))
    assert found == ["count_above_0"] * 2
    assert counts["tokens_are_estimated"] == 1


def test_an_error_now_and_then_costs_nothing(serve):
    found, counts = make(serve(lambda number: (503, b"overloaded") if number == 0 else ANSWER))
    assert len(found) == 2
    assert counts["calls_repeated"] >= 1


@pytest.mark.parametrize("rubbish", [b"<html>502</html>", b"{}", b"[]", b""])
def test_a_server_that_only_errs_or_answers_rubbish_ends_the_run(serve, rubbish):
    with pytest.raises(GenerationError, match="the model failed 2 times on 1 requests"):
        make(serve(lambda _: (200, rubbish)))


@pytest.mark.parametrize("text", ["", "rubbish", "[Solution]\n\x00"])
def test_rubbish_in_the_answer_is_counted(serve, text):
    found, counts = make(serve(lambda _: completion(text)))
    assert found == []
    reasons = counts.keys() - {"questions", "tokens_in", "tokens_out", "tokens_are_estimated"}
    assert sum(counts[name] for name in reasons) == counts["questions"] == 2
    assert "answers_parsed" not in reasons
