"""Elements of SVG and HTML: what is not markup already is escaped, so no text can become markup."""

from __future__ import annotations

from markupsafe import Markup, escape


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """Return an element. ``class_`` is ``class``, ``stroke_width`` is ``stroke-width``; None is left out."""
    given = (
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _text(value))
        for key, value in attributes.items()
        if value is not None
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, Markup("").join(given), join(*children))


def join(*children: object) -> Markup:
    """Return markup one after the other; texts are escaped."""
    return Markup("").join(escape(child) for child in children)


def percent(value: float) -> str:
    """Return a share of the width, 0 to 100."""
    return f"{number(value)}%"


def number(value: float) -> str:
    """Return a coordinate: at most two decimals."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def _text(value: object) -> object:
    return number(value) if isinstance(value, float) else value
