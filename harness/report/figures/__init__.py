"""Figures of finished runs: what the runs at hand can show, as svg, png and words. A pure function of its input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from harness.au.knowledge import load_knowledge
from harness.manifest import manifests_dir
from harness.report.figures import confusion, curves, forest, heatmap, ratio, tsne
from harness.report.figures.drawing import Drawing
from harness.report.figures.forest import ForestRow, Panels
from harness.report.figures.style import Figure, Sketch, slug
from harness.report.figures.whole import Pair, confusion_of, headline, of_arm, one_rule, whole_pairs
from harness.report.measured import ARMS, Setting, order_models
from harness.runs.swept import swept

__all__ = ["Drawing", "Figure", "Forest", "ForestRow", "begin_figures", "write_figures"]


@dataclass(frozen=True)
class Forest:
    """A forest plot to draw: what stands above it, and its rows by metric (`WAR`, `UAR`)."""

    name: str
    title: str
    facts: tuple[str, ...]
    panels: Panels


def write_figures(
    settings: Sequence[Setting], out: Path, forests: Iterable[Forest] = (), models: Sequence[str] = ()
) -> list[Figure]:
    """Draw what the settings' runs can show to `out`; the same runs give the same bytes. RunError if `out` cannot be
    written. For the rest see `begin_figures`.
    """
    return begin_figures(settings, forests, models).write(out)


def begin_figures(settings: Sequence[Setting], forests: Iterable[Forest] = (), models: Sequence[str] = ()) -> Drawing:
    """Begin to draw what the settings' runs can show; `write` of what is returned waits for it.

    Curves of each model; confusion matrices, and t-SNE if features were kept, of each model and AU arm with a whole
    pair; sweeps of the ratio; the knowledge matrix of runs with a computed one, if its file is still as it was.
    forests: plots of differences, whose numbers are made elsewhere. models: their order.
    """
    return Drawing([*map(_forest, forests), *_sketches(settings, models)])


def _sketches(settings: Sequence[Setting], models: Sequence[str]) -> Iterator[Sketch]:
    planes: dict[Path, tsne.Embedded] = {}  # a baseline's is drawn beside each of its AU arms
    for setting in settings:
        if swept(setting.experiment):
            continue  # drawn as one curve below
        for model in order_models({run.config.model for run in setting.runs}, models):
            yield _curves(setting, model)
            for arm in ARMS[1:]:
                yield from _of_pairs(setting, model, arm, planes)
    yield from _ratios(settings)
    yield from _knowledge(settings)


def _curves(setting: Setting, model: str) -> Sketch:
    arms: curves.Arms = {arm: [run.epochs for run in found] for arm in ARMS if (found := of_arm(setting, model, arm))}
    runs = [run for run in setting.runs if run.config.model == model]
    facts, title = headline(setting, runs, None), f"{model}: loss, WAR, UAR and time over the epochs"
    name = slug("curves", *_place(setting), model)
    return Sketch(name, title, curves.alt(facts, arms), lambda: curves.draw(title, facts, arms))


def _of_pairs(setting: Setting, model: str, arm: str, planes: dict[Path, tsne.Embedded]) -> Iterator[Sketch]:
    pairs = whole_pairs(setting, model, arm)
    rule = one_rule(run for pair in pairs for run in pair)
    if not pairs or rule is None:
        return
    yield _confusion(setting, pairs, rule)
    kept = [pair for pair in pairs if all(run.features for run in pair)]
    if kept:
        yield _tsne(setting, kept[0], planes)


def _confusion(setting: Setting, pairs: Sequence[Pair], rule: str) -> Sketch:
    model, arm = pairs[0][1].config.model, pairs[0][1].config.arm
    baseline_EE, au_EE = (confusion_of([pair[side] for pair in pairs], rule) for side in (0, 1))
    facts, title = headline(setting, [au for _, au in pairs], rule), f"{model}: confusion without and with {arm}"
    name = slug("confusion", *_place(setting), model, arm)
    alt = confusion.alt(facts, arm, baseline_EE, au_EE)
    return Sketch(name, title, alt, lambda: confusion.draw(title, facts, arm, baseline_EE, au_EE))


def _tsne(setting: Setting, pair: Pair, planes: dict[Path, tsne.Embedded]) -> Sketch:
    """One pair's features: a plane has no mean over folds or seeds."""
    model, arm = pair[1].config.model, pair[1].config.arm
    for run in pair:
        if run.features and run.path not in planes:
            planes[run.path] = tsne.embed(run.features.feature_BD, run.features.label_B)
    arms = [(run.config.arm, planes[run.path]) for run in pair]
    facts, title = headline(setting, [pair[1]], "last"), f"{model}: features of the test clips without and with {arm}"
    name = slug("tsne", *_place(setting), model, arm)
    return Sketch(name, title, tsne.alt(facts, arms), lambda: tsne.draw(title, facts, arms))


def _forest(one: Forest) -> Sketch:
    alt = forest.alt(one.facts, one.panels)
    return Sketch(slug("forest", one.name), one.title, alt, partial(forest.draw, one.title, one.facts, one.panels))


def _ratios(settings: Sequence[Setting]) -> Iterator[Sketch]:
    for (experiment, engine, scale), found in ratio.sweeps(settings).items():
        rule = one_rule(run for sweep in found for setting in sweep.values() for run in setting.runs)
        if rule is not None:
            columns = [ratio.column(sweep, rule) for sweep in found]
            runs = [run for sweep in found for setting in sweep.values() for run in setting.runs]
            facts = (experiment, *headline(found[0][min(found[0])], runs, rule)[1:])
            title, name = "WAR and UAR against the ratio of the AU loss", slug("ratio", experiment, engine, scale)
            yield Sketch(name, title, ratio.alt(facts, columns), partial(ratio.draw, title, facts, columns))


def _knowledge(settings: Sequence[Setting]) -> Iterator[Sketch]:
    """Computed matrices that runs used, each beside Fig. 4; a file that changed since is no longer what they used."""
    used: Mapping[str, str] = {
        au.knowledge_sha256: au.knowledge
        for setting in settings
        for run in setting.runs
        if (au := run.config.au) and au.knowledge_sha256
    }
    for digest, choice in sorted(used.items()):
        path = Path(choice.removeprefix("computed:"))
        if path.is_file() and sha256(path.read_bytes()).hexdigest() == digest:
            title = f"Knowledge computed ({path.name}) and as printed in Fig. 4"
            matrices = [load_knowledge(one, manifests_dir() / "knowledge") for one in (choice, "fig4")]
            panels = heatmap.beside(("Computed", matrices[0]), ("Fig. 4", matrices[1]))
            name, alt = slug("knowledge", digest[:12]), heatmap.alt(panels)
            yield Sketch(name, title, alt, partial(heatmap.draw, panels), heatmap.resolution(panels))


def _place(setting: Setting) -> tuple[str, str, str, str]:
    return setting.experiment, setting.dataset, setting.engine, setting.scale
