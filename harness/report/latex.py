r"""Tables as LaTeX for pdflatex: booktabs, one float per grid, plain ASCII. Pure functions.

table1.tex to table3.tex are to be `\input` where booktabs is loaded; tables.tex is a document of all three.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.report.grids import Grid
from harness.report.tables import Section, Table

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}",
    "Δ": r"$\Delta$", "λ": r"$\lambda$", "†": r"$\dagger$", "↑": r"$\uparrow$", "↓": r"$\downarrow$",
    "○": r"$\circ$", "✗": r"$\times$", "\u00d7": r"$\times$", "±": r"$\pm$",
    "\u2212": "$-$", "\u2013": "--", "\u2014": "---",
}  # fmt: skip
"""What stands for a character. Brackets are guarded: at the head of a row one would be an argument of the row above."""

INLINE = re.compile(r"`(?P<code>[^`]+)`|\*(?P<em>[^*\s][^*]*)\*|<sup>(?P<sup>[0-9, ]+)</sup>")
MINUS = re.compile(r"(?<!\w)-(?=\d)")
WRAPPED = {"code": r"\texttt{%s}", "em": r"\emph{%s}", "sup": r"\textsuperscript{%s}"}
DOCUMENT = r"""% Made by `audfer report`; pdflatex tables.tex, in this folder.
\documentclass[10pt,a4paper]{article}
\usepackage[landscape,margin=12mm]{geometry}
\usepackage{booktabs}
\setlength{\parindent}{0pt}
\begin{document}
\sloppy
"""


def table_latex(table: Table, unfinished: int) -> str:
    """One table: heading, legend, the printed grid, then section by section what was measured."""
    legend = [*table.legend, *([f"{unfinished} unfinished run(s) are left out."] if unfinished else [])]
    parts = [f"% Table {table.number}; needs \\usepackage{{booktabs}}\n", _heading("section", _title(table))]
    parts += [_items(legend), _float(table.printed)]
    return "".join([*parts, *map(_section, table.sections)])


def all_latex(tables: Sequence[Table]) -> str:
    """The document that holds the three tables."""
    return "".join([DOCUMENT, *(f"\\input{{table{table.number}}}\n" for table in tables), "\\end{document}\n"])


def escaped(text: str) -> str:
    """Text with its few marks (`code`, *em*, <sup>1</sup>) as LaTeX, in ASCII; an unknown character is its number."""
    parts, end = [], 0
    for match in INLINE.finditer(text):
        kind = match.lastgroup
        assert kind is not None
        parts += [_plain(text[end : match.start()]), WRAPPED[kind] % _plain(match[kind])]
        end = match.end()
    return "".join([*parts, _plain(text[end:])])


def _title(table: Table) -> str:
    return f"Table {table.number}: {table.title}"


def _section(section: Section) -> str:
    """Floats are put out before the next section: LaTeX holds only so many."""
    grids = map(_float, section.grids)
    return "".join([_heading("subsection", section.heading), _items(section.facts), *grids, "\\clearpage\n"])


def _float(grid: Grid) -> str:
    """A grid as a float without a number of its own, which would be taken for the paper's; its notes follow as a list,
    since they may be longer than a page.
    """
    align = "l" * grid.left + "r" * (len(grid.columns) - grid.left)
    lines = [
        r"\begin{table}[!htbp]", r"\centering", rf"\textbf{{{escaped(grid.heading)}}}\par\smallskip", r"\scriptsize",
        rf"\begin{{tabular}}{{{align}}}", r"\toprule", _row(grid.columns), r"\midrule",
        *map(_row, grid.rows), r"\bottomrule", r"\end{tabular}", r"\end{table}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n" + _items(grid.notes)


def _row(cells: Iterable[str]) -> str:
    return " & ".join(escaped(MINUS.sub("\u2212", cell)) for cell in cells) + r" \\"


def _items(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"\\item {escaped(line)}\n" for line in lines)
    return f"\\begin{{itemize}}\\raggedright\\footnotesize\n{items}\\end{{itemize}}\n"


def _heading(level: str, text: str) -> str:
    return f"\\{level}*{{{escaped(text)}}}\n"


def _plain(text: str) -> str:
    return "".join(_character(character) for character in text)


def _character(character: str) -> str:
    if character in SPECIAL:
        return SPECIAL[character]
    if character.isspace():
        return " "
    return character if character.isascii() and character.isprintable() else f"{{[}}U+{ord(character):04X}{{]}}"
