"""The look of the charts. Colours are CSS variables of the page, so light, dark and print share one chart."""

from __future__ import annotations

from typing import Any

# Okabe and Ito's palette, safe for all kinds of colour blindness; lighter on a dark background.
COLOURS = {
    "blue": ("#0072b2", "#56b4e9"),
    "orange": ("#e69f00", "#f0b429"),
    "green": ("#009e73", "#2fc79b"),
    "pink": ("#cc79a7", "#e39cc3"),
    "red": ("#d55e00", "#ff8a4c"),
    "grey": ("#7f8891", "#9aa4ae"),
    "ink": ("#1a2027", "#e8ecef"),
    "muted": ("#57616b", "#a3adb7"),
    "line": ("#dfe3e8", "#343c45"),
    "paper": ("#ffffff", "#14181d"),
    "card": ("#f6f7f9", "#1b2027"),
}


def colour(name: str) -> str:
    return f"var(--{name})"


LEVELS = {"free": colour("orange"), "paid": colour("blue"), "unknown": colour("grey")}
SYSTEMS = [colour(name) for name in ("blue", "orange", "green", "pink", "red", "grey")]

CONFIG: dict[str, Any] = {
    "background": None,
    "font": "system-ui, sans-serif",
    "padding": 0,
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "gridColor": colour("line"),
        "labelColor": colour("muted"),
        "labelFontSize": 12,
        "labelPadding": 6,
        "titleColor": colour("muted"),
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 10,
    },
    "legend": {
        "orient": "top",
        "title": None,
        "labelColor": colour("ink"),
        "labelFontSize": 13,
        "symbolType": "square",
        "padding": 0,
        "offset": 10,
    },
    "text": {"color": colour("ink"), "fontSize": 13},
    "bar": {"color": colour("blue")},
    "line": {"strokeWidth": 2.5},
    "range": {"category": [colour(name) for name in ("orange", "blue", "green", "pink", "red", "grey")]},
}


def css(index: int) -> str:
    """CSS declarations of the colours, light (0) or dark (1)."""
    return " ".join(f"--{name}: {values[index]};" for name, values in COLOURS.items())


def painted(svg: str, index: int = 0) -> str:
    """An SVG with literal colours in place of the variables, for use outside a page that declares them."""
    for name, values in COLOURS.items():
        svg = svg.replace(colour(name), values[index])
    return svg
