"""Addresses that lead nowhere are told apart, within seconds; nothing here starts a cluster."""

from __future__ import annotations

import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import grpc
import pytest

from codedpo_plugin.cluster import connection
from codedpo_plugin.cluster.connection import connected
from codedpo_plugin.errors import SandboxError, UsageError


def connect(address: str | None) -> None:
    with connected(address):
        pytest.fail("it was connected")


def test_a_missing_ray_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'codedpo-plugin\[ray\]'"):
        connect(None)


@pytest.mark.parametrize(
    "address", ["somewhere", "http://head:6379", "ray://head", "head:port", "ray://", ":1", "a b:1"]
)
def test_what_is_no_address_is_a_usage_error(address):
    with pytest.raises(UsageError, match=r"auto, HOST:PORT or ray://HOST:PORT is expected"):
        connect(address)


@pytest.mark.parametrize("kept", [True, False])
def test_a_token_is_sent_where_one_is_asked_for_and_missed_where_there_is_none(kept, monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "")
    monkeypatch.delenv("RAY_AUTH_MODE")
    if kept:
        (tmp_path / "token").write_text("secret")

    def refuse(handler_call_details):
        return grpc.unary_unary_rpc_method_handler(lambda _, call: call.abort(grpc.StatusCode.UNAUTHENTICATED, ""))

    server = grpc.server(ThreadPoolExecutor(1))
    handler = type("Refuse", (grpc.GenericRpcHandler,), {"service": staticmethod(refuse)})
    server.add_generic_rpc_handlers([handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        if kept:
            connection._require_answer(f"127.0.0.1:{port}")
            assert os.environ["RAY_AUTH_MODE"] == "token"
        else:
            with pytest.raises(SandboxError, match="asks for a token: copy"):
                connection._require_answer(f"127.0.0.1:{port}")
    finally:
        server.stop(None).wait()


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_a_port_that_nobody_listens_at_is_named_at_once(form):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(
        SandboxError, match=f"nothing answers at Ray address '{form.format(port)}'.*ray start --head"
    ):
        connect(form.format(port))


def test_a_port_beyond_all_ports_is_named():
    with pytest.raises(SandboxError, match=r"nothing answers at Ray address '127\.0\.0\.1:99999'"):
        connect("127.0.0.1:99999")


def test_the_environment_names_the_address_where_nothing_else_does(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "from the environment")
    with pytest.raises(UsageError, match="from the environment"):
        connect(None)


def test_a_server_that_says_nothing_is_told_from_ray(monkeypatch):
    monkeypatch.setattr(connection, "PATIENCE_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"ray://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(SandboxError, match="is not Ray"):
            connect(address)


def test_a_server_of_another_kind_is_told_from_ray(monkeypatch):
    monkeypatch.setattr(connection, "PATIENCE_S", 1.0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(SandboxError, match="is not Ray"):
            connect(f"127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
