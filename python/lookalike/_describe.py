"""How an architecture is shown: as the expression that makes it, where it is a chain; as a table otherwise."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

# Options that are words in Python and numbers in the network.
_WORDS: dict[tuple[str, str], Sequence[str]] = {
    ("conv", "border"): ("zeros", "reflect", "replicate"),
    ("resize", "method"): ("nearest", "nearest_exact", "bilinear"),
    ("upsample", "method"): ("nearest", "nearest_exact", "bilinear"),
    ("layer_norm", "scope"): ("pixel", "picture"),
    ("soft_lookup", "score"): ("squared_distance", "dot_product"),
    ("attention", "score"): ("squared_distance", "dot_product"),
    ("constant", "initial"): ("zeros", "ones", "from_fan_in", "normal"),
}


def _number(value: float) -> Any:
    return int(value) if float(value).is_integer() else value


def python_options(kind: str, options: Mapping[str, float]) -> dict[str, Any]:
    """Return the options of a layer the way its function takes them."""
    rest = {name: _number(value) for name, value in options.items()}
    result: dict[str, Any] = {}
    while rest:
        name = next(iter(rest))
        value = rest.pop(name)
        stem, _, side = name.rpartition("_")
        if side == "height" and f"{stem}_width" in rest:
            width = rest.pop(f"{stem}_width")
            result[stem] = value if value == width else (value, width)
        elif name == "padding_top" and "padding_right" in rest:
            sides = (value, rest.pop("padding_left"), rest.pop("padding_bottom"), rest.pop("padding_right"))
            result["padding"] = (
                value if len(set(sides)) == 1 else sides[:2] if sides[:2] == sides[2:] else sides
            )
        elif (kind, name) in _WORDS:
            words = _WORDS[kind, name]
            result[name] = words[value] if 0 <= value < len(words) else value
        elif kind == "input" and name in ("height", "width"):
            result[name] = None if value < 0 else value
        else:
            result[name] = value
    return result


def _same_padding(options: Mapping[str, Any]) -> Any:
    """Return the padding that "same" stands for."""

    def pair(value: Any) -> tuple[int, int]:
        return value if isinstance(value, tuple) else (value, value)

    (dy, dx), (ky, kx) = pair(options.get("dilation", 1)), pair(options["kernel"])
    y, x = dy * (ky - 1), dx * (kx - 1)
    sides = (y // 2, x // 2, y - y // 2, x - x // 2)
    return sides[0] if len(set(sides)) == 1 else sides[:2] if sides[:2] == sides[2:] else sides


def layer_text(node: Mapping[str, Any]) -> str:
    """Return a layer as it would be written: ``conv(64, kernel=5)``."""
    if node["layer"] is not None:
        return repr(node["layer"])
    kind = node["kind"]
    if kind == "from":
        return f"from_({node['text']!r})"
    from . import nn

    options = python_options(kind, node["options"])
    if kind == "input":
        first = [repr(node["text"])] if node["text"] else []
        given = [f"{name}={options[name]}" for name in ("height", "width") if options[name] is not None]
        return f"input({', '.join([*first, str(options['channels']), *given])})"
    parts: list[str] = []
    parameters = inspect.signature(getattr(nn, kind)).parameters
    for i, (name, parameter) in enumerate(parameters.items()):
        if name not in options:
            continue
        value, default = options[name], parameter.default
        if name == "padding" and default == "same" and value == _same_padding(options):
            continue
        if isinstance(default, bool):
            value = bool(value)
        if name == "stride" and default is None and value == options.get("kernel"):
            continue
        if name == "output" and value == 0:
            continue
        if default is inspect.Parameter.empty or value != default:
            plain = default is inspect.Parameter.empty or (
                i == 0 and parameter.kind is not parameter.KEYWORD_ONLY
            )
            parts.append(repr(value) if plain else f"{name}={value!r}")
    return f"{kind}({', '.join(parts)})"


def describe(parts: Mapping[str, Any]) -> str:
    """Return an architecture as text."""
    return _chain(parts) or _table(parts)


def _paths(parts: Mapping[str, Any]) -> list[tuple[int, ...]]:
    """Return for each node the scopes around it, outermost first."""
    parents = [s["parent"] for s in parts["scopes"]]

    def path(scope: int) -> tuple[int, ...]:
        return () if scope < 0 else (*path(parents[scope]), scope)

    return [path(n["scope"]) for n in parts["nodes"]]


def _chain(parts: Mapping[str, Any]) -> str | None:
    """Return the expression of a network in which every layer reads the one before; None for others."""
    nodes = parts["nodes"]
    if not nodes and not parts["scopes"]:
        text = "expose(" + ", ".join(repr(e["name"]) for e in parts["exposed"]) + ")"
        return text if parts["exposed"] else "identity()"
    before = -1
    for i, n in enumerate(nodes):
        reads = [] if n["kind"] in ("input", "constant", "from") else [before]
        if n["inputs"] != reads or (i > 0 and n["kind"] in ("input", "constant", "from")):
            return None
        before = i
    if parts["exits"] != [before] or parts["exposed"]:
        return None
    paths = _paths(parts)

    def expression(first: int, last: int, depth: int) -> str:
        pieces = []
        i = first
        while i < last:
            if len(paths[i]) == depth:
                pieces.append(layer_text(nodes[i]))
                i += 1
                continue
            scope = paths[i][depth]
            end = i
            while end < last and len(paths[end]) > depth and paths[end][depth] == scope:
                end += 1
            said = parts["scopes"][scope]
            function = "shared" if said["shared"] else "named"
            pieces.append(f"{function}({said['name']!r}, {expression(i, end, depth + 1)})")
            i = end
        return " | ".join(pieces)

    if len({s for path in paths for s in path}) != len(parts["scopes"]):
        return None  # scopes without layers
    return expression(0, len(nodes), 0)


def _table(parts: Mapping[str, Any]) -> str:
    """Return a line for each layer: its name, what it is, and what it reads."""
    nodes = parts["nodes"]
    counts: dict[tuple[int, str], int] = {}
    names = []
    for n, path in zip(nodes, _paths(parts)):
        key = (n["scope"], n["kind"])
        counts[key] = counts.get(key, -1) + 1
        own = n["text"] if n["text"] and n["kind"] == "input" else f"{n['kind']}{counts[key]}"
        names.append(".".join([*(parts["scopes"][s]["name"] for s in path), own]))

    def spelled(edges: Sequence[int]) -> str:
        return ", ".join("(what comes in)" if edge < 0 else names[edge] for edge in edges)

    rows = []
    before = -1
    for i, n in enumerate(nodes):
        # What a layer reads is said where it is not the layer before.
        usual = n["inputs"] == [before] or not n["inputs"]
        rows.append((names[i], layer_text(n), "" if usual else f"of {spelled(n['inputs'])}"))
        before = i
    first = max(len(row[0]) for row in rows) if rows else 0
    second = max((len(row[1]) for row in rows if row[2]), default=0)
    lines = [f"Architecture of {len(nodes)} layers"]
    lines += [f"  {a:<{first}}  {b:<{second}}  {c}".rstrip() for a, b, c in rows]
    if parts["exits"] != [len(nodes) - 1]:
        lines.append(f"  yields {spelled(parts['exits']) or 'nothing'}")
    if parts["exposed"]:
        lines.append("  exposes " + ", ".join(e["name"] for e in parts["exposed"]))
    return "\n".join(lines)
