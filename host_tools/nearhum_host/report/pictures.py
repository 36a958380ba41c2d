"""Draw a trace as a small SVG file for a page of Markdown.

Enters: a trace. Leaves: the text of the file: score, threshold, learning periods, alarms and true
labels. The report draws the same chart with its own style sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..logs.traces import Trace
from .charts import score_chart
from .svg import Bar

WIDTH, HEIGHT = 860, 260
N_COLUMNS = 430  # Of the score, two pixels each: so a file stays below 30 KB.
_STYLE = (
    "text{font:11px"
    " sans-serif;fill:#555}.s{fill:none;stroke:#1f5fa8}.t{fill:none;stroke:#c33;stroke-width:1.5}"
    ".l{fill:#e8eef5}.a{fill:#c33}.anomaly{fill:#f0a030}.normal{fill:#7ab87a}.g{stroke:#ddd}"
)


def picture(trace: Trace, title: str) -> str:
    """Return an SVG of the trace's score over time. title: for its caption."""
    chart = score_chart(trace, WIDTH, HEIGHT, N_COLUMNS)
    frame = chart.frame
    top, bottom = frame.top, frame.top + frame.inner_height
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 16}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT + 16}" fill="#fff"/>',
        *_rectangles(chart.learning, "l", top, frame.inner_height),
        *(
            f'<path class="g" d="M{frame.left} {y:g}H{WIDTH - frame.right}"/>'
            for y, _ in chart.y_ticks
        ),
        *(
            f'<text x="{frame.left - 6}" y="{y + 4:g}" text-anchor="end">{escape(text)}</text>'
            for y, text in chart.y_ticks
        ),
        *(
            f'<text x="{x:g}" y="{bottom + 24}" text-anchor="middle">{escape(text)}</text>'
            for x, text in chart.x_ticks
        ),
        f'<path class="s" d="{chart.series}"/><path class="t" d="{chart.threshold}"/>',
        *_rectangles(chart.truth, None, bottom + 1, 5),
        *_rectangles(chart.alarms, "a", bottom + 7, 5),
        (
            f'<text x="{frame.left}" y="{HEIGHT + 10}">{escape(title)}; {escape(chart.x_title)}.'
            " Score in octaves, threshold red. Below: true labels (green normal, orange anomaly)"
            " and alarms (red).</text>"
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _rectangles(bars: Sequence[Bar], kind: str | None, y: float, height: float) -> list[str]:
    return [
        f'<rect class="{kind or bar.kind}" x="{bar.x:g}" y="{y:g}" width="{bar.width:g}"'
        f' height="{height:g}"/>'
        for bar in bars
    ]
