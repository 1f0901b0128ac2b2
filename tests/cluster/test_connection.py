"""Addresses that lead nowhere are told apart, within seconds; nothing here starts a cluster."""

from __future__ import annotations

import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

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
