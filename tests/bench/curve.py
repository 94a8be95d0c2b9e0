"""A small plot: lines over a few steps, as SVG that reads well on light and dark ground."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 320, 60, 50, 20, 130
# Told apart without colours by their marks, and with them by people who see few.
_STYLES = (("#0072b2", "circle"), ("#d55e00", "square"), ("#009e73", "diamond"))


def curve(steps: Sequence[int], lines: Mapping[str, Sequence[float]], *, x: str, y: str) -> str:
    """The lines (name -> one value per step); ``x`` and ``y`` say what is on the axes. Up to three lines."""
    top = max(value for line in lines.values() for value in line) * 1.1
    places = [LEFT + (WIDTH - LEFT - RIGHT) * n / max(1, len(steps) - 1) for n in range(len(steps))]

    def height(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="13" role="img" aria-label="{escape(y)} over {escape(x)}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for n in range(5):
        at = height(top * n / 4)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#ccc"/>')
        parts.append(_text(LEFT - 8, at + 4, f"{top * n / 4:.0f}", anchor="end"))
    parts += [_text(at, HEIGHT - BOTTOM + 20, str(step)) for at, step in zip(places, steps, strict=True)]
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x))
    parts.append(f'<g transform="rotate(-90 14 {HEIGHT / 2})">{_text(14, HEIGHT / 2, y)}</g>')
    for n, ((name, line), (colour, mark)) in enumerate(zip(lines.items(), _STYLES, strict=False)):
        points = [(at, height(value)) for at, value in zip(places, line, strict=False)]
        way = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [_mark(a, b, colour, mark) for a, b in points]
        parts.append(_mark(WIDTH - RIGHT + 25, TOP + 24 * n + 10, colour, mark))
        parts.append(_text(WIDTH - RIGHT + 37, TOP + 24 * n + 14, name, anchor="start"))
    return "\n".join([*parts, "</svg>", ""])


def _text(x: float, y: float, words: str, *, anchor: str = "middle", fill: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(words)}</text>'


def _mark(x: float, y: float, colour: str, mark: str) -> str:
    if mark == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    turned = f' transform="rotate(45 {x:.1f} {y:.1f})"' if mark == "diamond" else ""
    return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"{turned}/>'
