"""Makes the SVG that Vega writes fit for a page: small, themed by CSS, named for screen readers."""

from __future__ import annotations

import re
from html import escape

#: Colours that charts are drawn with; in the SVG each becomes the CSS variable of its name.
COLORS = {
    "ink": "#010101",
    "muted": "#020202",
    "grid": "#030303",
    "surface": "#040404",
    "one": "#050505",
    "two": "#060606",
    "three": "#070707",
}

#: Room at the left for labels that the reader's font makes wider than Vega measured them.
MARGIN = 12

_NOISE = re.compile(
    r' (?:role|aria-\w+|class|pointer-events|stroke-miterlimit|display|font-family)="[^"]*"'
)
_NOTHING = re.compile(r'<path d="(?:M0,0h[\d.]+v[\d.]+h-?[\d.]+Z)?"/>|<g>\s*</g>|<g/>')
_TAG = re.compile(r"<[^>]*>")
_NUMBER = re.compile(r"\d+\.\d{2,}")
_CIRCLE = re.compile(
    r'<path transform="translate\(([\d.-]+),([\d.-]+)\)" d="M([\d.]+),0A[^"]*"'
    r'((?: [\w-]+="[^"]*")*)/>'
)
_SIZE = re.compile(r'<svg[^>]*?viewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>')
_ORIGIN = re.compile(r'transform="translate\(([\d.]+),([\d.]+)\)"')


def clean(svg: str, name: str, title: str, summary: str, *, cursor: bool = False) -> str:
    """Return ``svg`` for use inside a page; ``name`` must be unique in the page."""
    size = _SIZE.search(svg)
    if size is None:
        raise ValueError("this is no SVG of Vega's")
    width, height = size.groups()
    body = svg[size.end() : svg.rindex("</svg>")]
    plot = re.search(r'd="M0(?:\.5)?,0(?:\.5)?h([\d.]+)v([\d.]+)h', body)
    body = re.sub(r'<rect width="[\d.]+" height="[\d.]+" fill="(?:white|transparent)"/>', "", body)
    body = _NOISE.sub("", body)
    body = _TAG.sub(lambda tag: _NUMBER.sub(lambda found: f"{float(found[0]):.1f}", tag[0]), body)
    body = _CIRCLE.sub(r'<circle cx="\1" cy="\2" r="\3"\4/>', body)
    for _ in range(6):
        body, changes = _NOTHING.subn("", body)
        if not changes:
            break
    for variable, color in COLORS.items():
        body = body.replace(f'"{color}"', f'"var(--chart-{variable})"')
    for i, found in enumerate(dict.fromkeys(re.findall(r' id="([^"]+)"', body))):
        body = re.sub(rf'(id="|#){found}(?=[")])', rf"\g<1>{name}-{i}", body)
    if cursor and plot is not None:
        body += _cursor(body, float(plot[1]), float(plot[2]))
    return (
        f'<svg class="chart" viewBox="{-MARGIN} 0 {float(width) + MARGIN:g} {height}" role="img" '
        f'aria-labelledby="{name}-title {name}-summary"><title id="{name}-title">{escape(title)}'
        f'</title><desc id="{name}-summary">{escape(summary)}</desc>{body}</svg>'
    )


def _cursor(body: str, width: float, height: float) -> str:
    """Return a vertical line over the plot, which the page's script moves from 0 to ``width``."""
    origin = _ORIGIN.search(body)
    x, y = origin.groups() if origin else ("0", "0")
    return (
        f'<g transform="translate({x},{y})"><line class="cursor" data-width="{width:g}" '
        f'y2="{height:g}" stroke="var(--chart-ink)" stroke-width="1.5"/></g>'
    )
