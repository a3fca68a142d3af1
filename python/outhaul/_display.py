"""Runs and metrics as HTML for notebooks: state, log tail, and curves as inline SVG. Pure, and without scripts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, List, Sequence, Tuple

from outhaul._model import Metrics, Number, RunView

if TYPE_CHECKING:
    from outhaul.submitted import Run

_TAIL_LINES = 15
_LONGEST_LINE = 300
_MOST_CURVES = 12
_MOST_POINTS = 400
_WIDTH, _HEIGHT, _EDGE = 260, 110, 6

_COLOURS = {
    "Completed": "#1a7f37",
    "Failed": "#cf222e",
    "Canceled": "#9a6700",
    "CancelRequested": "#9a6700",
    "Running": "#0969da",
    "Starting": "#0969da",
    "Finalizing": "#0969da",
}


def page(run: RunView, tail: Sequence[str], metrics: Metrics) -> str:
    """A run: what it is, why it waits or failed, its curves, the end of its log."""
    info = run.info
    state = str(info["state"])
    colour = _COLOURS.get(state, "#57606a")
    head = (
        f'<div style="font-family:sans-serif;font-size:13px"><div><b>{escape(str(info["name"]))}</b> '
        f'<span style="color:{colour};font-weight:bold">{escape(state)}</span> '
        f'on {escape(str(info["target"]))} &middot; {escape(str(info["experiment"]))} &middot; '
        f"<code>{escape(str(info['id'])[:8])}</code>{_lasted(run)}</div>"
    )
    notes = []
    waiting, failure = info.get("waiting"), info.get("failure")
    if waiting:
        notes.append(f"waiting: {waiting['reason']}")
    if info.get("contact_lost"):
        notes.append("the target is out of reach; the run goes on there as far as is known")
    if failure:
        notes.append(f"{failure['message']}" + (f" ({failure['hint']})" if failure.get("hint") else ""))
    said = "".join(f'<div style="color:#57606a">{escape(note)}</div>' for note in notes)
    return head + said + curves(metrics) + _log(tail) + "</div>"


def _lasted(run: RunView) -> str:
    seconds = run.info.get("ran_ms")
    return "" if seconds is None else f" &middot; {seconds / 1000:.1f} s"


def _log(tail: Sequence[str]) -> str:
    if not tail:
        return ""
    lines = "\n".join(escape(line[:_LONGEST_LINE]) for line in tail[-_TAIL_LINES:])
    return (
        '<pre style="font-size:12px;background:#f6f8fa;color:#1f2328;padding:6px;margin:6px 0;overflow-x:auto">'
        f"{lines}</pre>"
    )


def curves(metrics: Metrics) -> str:
    """Each metric with several values as a curve, the others as a line of text."""
    drawn: List[str] = []
    single: List[str] = []
    for name in metrics:
        steps, values, _ = metrics.series(name)
        if len(values) > 1:
            drawn.append(curve(name, steps, values))
        elif len(values) == 1:
            single.append(f"{escape(name)} = {values[0]:.6g}")
        else:
            single.append(f"{escape(name)}: {escape(_short(metrics[name]))}")
    more = len(drawn) - _MOST_CURVES
    if more > 0:
        drawn = drawn[:_MOST_CURVES] + [f'<div style="align-self:center">and {more} more</div>']
    shown = f'<div style="display:flex;flex-wrap:wrap;gap:8px">{"".join(drawn)}</div>' if drawn else ""
    return shown + (f"<div>{' &middot; '.join(single)}</div>" if single else "")


def _short(value: object) -> str:
    if isinstance(value, dict):
        return "columns " + ", ".join(map(str, value))
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def points(steps: Sequence[Number], values: Sequence[float]) -> List[Tuple[float, float]]:
    """The points of a curve on the canvas; of many, some; NaN and infinities are left out."""
    finite = [(float(x), y) for x, y in zip(steps, values) if abs(y) < float("inf")]
    if not finite:
        return []
    every = -(-len(finite) // _MOST_POINTS)
    kept = finite[::every]
    if kept[-1] != finite[-1]:
        kept.append(finite[-1])
    left, right = min(x for x, _ in kept), max(x for x, _ in kept)
    low, high = min(y for _, y in kept), max(y for _, y in kept)

    def across(x: float) -> float:
        return _EDGE + (x / (right - left) - left / (right - left) if right > left else 0.5) * (_WIDTH - 2 * _EDGE)

    def up(y: float) -> float:
        # Halved, so that the distance of very large numbers is still a number.
        share = (y / 2 - low / 2) / (high / 2 - low / 2) if high / 2 > low / 2 else 0.5
        return _HEIGHT - _EDGE - share * (_HEIGHT - 2 * _EDGE)

    return [(round(across(x), 1), round(up(y), 1)) for x, y in kept]


def curve(name: str, steps: Sequence[Number], values: Sequence[float]) -> str:
    """One metric as a small picture with its last value, its least and its greatest."""
    path = " ".join(f"{x},{y}" for x, y in points(steps, values))
    finite = [value for value in values if abs(value) < float("inf")]
    span = f"{min(finite):.4g} to {max(finite):.4g}" if finite else "no finite value"
    return (
        f'<figure style="margin:4px 0"><figcaption>{escape(name)} = <b>{values[-1]:.6g}</b> '
        f'<span style="color:#57606a">{span}, {len(values)} values</span></figcaption>'
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'style="border:1px solid #d0d7de;background:#fff"><title>{escape(name)}</title>'
        f'<polyline fill="none" stroke="#0969da" stroke-width="1.5" points="{path}"/></svg></figure>'
    )


def run_html(run: Run) -> str:
    """A run as it stands now."""
    tail: List[str] = []
    for line in run.logs():
        tail.append(line)
        del tail[:-_TAIL_LINES]
    return page(run, tail, run.metrics())


def metrics_html(metrics: Metrics) -> str:
    """Metrics alone."""
    return curves(metrics) or "no metrics"
