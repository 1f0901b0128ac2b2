"""Where the messages of tasks go."""

from __future__ import annotations

import logging

import pytest

from codedpo_plugin.harness.messages import speak_as_lm_eval


def loggers_of_a_new_process(monkeypatch) -> tuple[logging.Logger, logging.Logger]:
    """Return our logger and lm-eval's."""
    own, theirs = logging.getLogger("codedpo_plugin"), logging.getLogger("lm_eval")
    monkeypatch.setattr(logging.root, "handlers", [])
    for logger in (own, theirs):
        for name, value in {"handlers": [], "level": logging.NOTSET, "propagate": True}.items():
            monkeypatch.setattr(logger, name, value)
    return own, theirs


def test_what_is_told_goes_where_lm_eval_tells_what_it_does(monkeypatch):
    own, theirs = loggers_of_a_new_process(monkeypatch)
    theirs.handlers, theirs.level = [logging.NullHandler()], logging.INFO
    speak_as_lm_eval()
    assert (own.handlers, own.level, own.propagate) == (theirs.handlers, logging.INFO, False)


@pytest.mark.parametrize("decided", ["root", "own"])
def test_who_has_decided_where_messages_go_is_obeyed(monkeypatch, decided):
    own, theirs = loggers_of_a_new_process(monkeypatch)
    theirs.handlers = [logging.NullHandler()]
    chosen = logging.root if decided == "root" else own
    chosen.handlers = [logging.StreamHandler()]
    before = [*own.handlers]
    speak_as_lm_eval()
    assert (own.handlers, own.level, own.propagate) == (before, logging.NOTSET, True)


def test_where_lm_eval_says_nothing_nothing_is_changed(monkeypatch):
    own, _ = loggers_of_a_new_process(monkeypatch)
    speak_as_lm_eval()
    assert (own.handlers, own.propagate) == ([], True)
