"""The one page: parts of HTML and its style. Nothing is loaded from elsewhere."""
from __future__ import annotations

import base64
from html import escape
from typing import Iterable, Optional, Sequence

from tables import Table

STYLE = """
:root { --ink: #111827; --soft: #6b7280; --line: #e5e7eb; --lull: #1d4ed8; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 80px; }
h1 { font-size: 26px; margin: 0 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 19px; margin: 48px 0 6px; padding-top: 12px; border-top: 1px solid var(--line); }
h3 { font-size: 14px; margin: 22px 0 4px; }
p { margin: 4px 0 12px; max-width: 80ch; }
.soft, small { color: var(--soft); }
nav a { margin-right: 14px; color: var(--lull); text-decoration: none; white-space: nowrap; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0 12px; }
.tile { border: 1px solid var(--line); border-radius: 8px; padding: 10px 18px; min-width: 128px; }
.tile b { display: block; font-size: 24px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 12px 4px 0; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; vertical-align: top; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; white-space: normal;
  line-height: 1.25; max-width: 92px; }
th:first-child, td:first-child { text-align: left; }
tr.lull td { font-weight: 600; color: var(--lull); }
tr.control td { color: var(--soft); }
tr.group td { padding-top: 14px; font-weight: 600; }
.goals td:first-child, .plain td { white-space: normal; }
.plain td { text-align: left; }
.plain td:first-child { color: var(--soft); white-space: nowrap; }
.beside { display: block; font-size: 12px; color: var(--soft); }
.badge { display: inline-block; border-radius: 999px; padding: 0 9px; font-size: 12px;
  border: 1px solid; line-height: 1.6; }
.met { background: #dcfce7; border-color: #86efac; color: #166534; }
.missed { background: #fee2e2; border-color: #fca5a5; color: #991b1b; }
.unsure { background: #fff; border-style: dashed; }
.none { color: var(--soft); border-color: var(--line); }
.problems { border: 1px solid #fca5a5; background: #fef2f2; border-radius: 8px;
  padding: 8px 18px; margin: 16px 0; }
.problems li, .skipped li { overflow-wrap: anywhere; }
.plots { display: flex; flex-wrap: wrap; gap: 10px 36px; align-items: flex-start; }
figure { margin: 14px 0 6px; }
figure img { max-width: min(1132px, calc(100vw - 48px)); height: auto; }
figcaption { color: var(--soft); font-size: 12.5px; line-height: 1.4; max-width: 90ch; }
figure { width: min-content; min-width: 330px; }
details > summary { cursor: pointer; color: var(--lull); margin: 10px 0; }
code { font-size: 12px; color: var(--soft); }
"""


def document(title: str, body: Iterable[str]) -> str:
    return (f"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
            f"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
            f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body><main>\n"
            + "\n".join(body) + "\n</main></body></html>\n")


def heading(level: int, text: str, anchor: str = "") -> str:
    mark = f' id="{escape(anchor)}"' if anchor else ""
    return f"<h{level}{mark}>{escape(text)}</h{level}>"


def paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def tiles(pairs: Sequence[tuple[str, str]]) -> str:
    made = "".join(f'<div class="tile"><b>{escape(value)}</b><small>{escape(name)}</small></div>'
                   for name, value in pairs)
    return f'<div class="tiles">{made}</div>'


def navigation(links: Sequence[tuple[str, str]]) -> str:
    return "<nav>" + " ".join(f'<a href="#{escape(anchor)}">{escape(text)}</a>'
                             for anchor, text in links) + "</nav>"


def figure(svg: Optional[str], caption: str) -> str:
    """As an image of its own, so that names inside one plot cannot meet those of another."""
    if svg is None:
        return ""
    data = base64.b64encode(svg.encode()).decode()
    return (f'<figure><img alt="{escape(caption)}" src="data:image/svg+xml;base64,{data}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>")


def table(made: Table, kinds: Sequence[str] = ()) -> str:
    """`kinds`: a class for each row."""
    head = "".join(f"<th>{escape(text)}</th>" for text in made.head)
    rows = []
    for number, row in enumerate(made.rows):
        kind = f' class="{kinds[number]}"' if number < len(kinds) and kinds[number] else ""
        rows.append(f"<tr{kind}>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>")
    note = f" <code>{escape(made.note)}</code>" if made.note else ""
    return (f"<h3>{escape(made.title)}{note}</h3>\n<div class=\"wide\"><table>"
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>")


def plain_table(rows: Iterable[tuple[str, str]]) -> str:
    made = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>"
                   for name, value in rows)
    return f'<div class="wide"><table class="plain">{made}</table></div>'


def listing(items: Iterable[str], kind: str = "") -> str:
    made = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f'<ul class="{kind}">{made}</ul>'


def row(parts: Iterable[str]) -> str:
    """Plots beside each other as far as there is room."""
    made = "".join(parts)
    return f'<div class="plots">{made}</div>' if made else ""


def folded(title: str, parts: Iterable[str]) -> str:
    return f"<details><summary>{escape(title)}</summary>{''.join(parts)}</details>"


def badge(text: str, kind: str) -> str:
    return f'<span class="badge {kind}">{escape(text)}</span>'


def goal_row(cells: Sequence[str], state: str, beside: str) -> str:
    """The first cell has a second line; `state` is HTML."""
    second = f'<span class="beside">{escape(beside)}</span>' if beside else ""
    rest = "".join(f"<td>{escape(text)}</td>" for text in cells[1:])
    return f"<tr><td>{escape(cells[0])}{second}</td>{rest}<td>{state}</td></tr>"


def goal_table(rows: Iterable[str]) -> str:
    return ('<div class="wide"><table class="goals"><thead><tr><th>goal</th><th>measured</th>'
            "<th>95 % interval</th><th>bound</th><th>pairs or runs</th><th></th></tr></thead>"
            "<tbody>" + "".join(rows) + "</tbody></table></div>")


def group_row(title: str) -> str:
    return f'<tr class="group"><td colspan="6">{escape(title)}</td></tr>'
