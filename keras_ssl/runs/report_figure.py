"""The picture of a run: how it trained, and what the encoder sees as alike."""

import numpy as np

from keras_ssl.runs import neighbours
from keras_ssl.runs.pictures import as_rgb

INK, GREY, FAINT = "#1f2933", "#7b8794", "#e4e7eb"
BLUE, GREEN, RED = "#2563eb", "#15803d", "#dc2626"
CLASS_COLOURS = (
    "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#9c755f", "#b07aa1", "#edc948", "#ff9da7", "#76b7b2", "#5f6b76",
)  # fmt: skip
MEASURED = ("knn", "rankme")
MOST_NAMED = 20  # classes whose names still fit on the map
LONGEST_NAME = 14  # letters, so that a row's name does not reach into the map
NEIGHBOURS = 6
TEXT_QUERIES, TEXT_NEIGHBOURS = 6, 4
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": GREY,
    "axes.edgecolor": FAINT,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}


def report_figure(
    history,
    embeddings,
    images,
    labels=None,
    classes=None,
    *,
    texts=None,
    title="",
    subtitle="",
    z_dim=None,
    baselines=None,
):
    """Draws loss, embedding health and kNN over epochs, a map of the embeddings, and nearest neighbours.

    Args:
        history: list of dicts, one an epoch, with `"epoch"` and any of `"loss"`, `"embedding_std"`, `"knn"`,
            `"rankme"`.
        embeddings: float array of shape (rows, features).
        images: uint8 array of shape (rows, height, width, channels), the pictures of the embeddings; None for texts.
        labels: int array of shape (rows,), or None.
        classes: sequence of the classes' names, or None.
        texts: list of str, the texts of the embeddings, or None for pictures.
        title: str, what was trained on what.
        subtitle: str, the figures to remember.
        z_dim: int, width of the projections: their healthy standard deviation is 1 / sqrt(z_dim). None if not known.
        baselines: dict from a name to a kNN accuracy to compare with.

    Returns:
        A `matplotlib.figure.Figure`, drawn without a display.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(15, 11.2), dpi=120, facecolor="white")
        figure.text(0.052, 0.965, title, fontsize=18, fontweight="bold", va="top")
        figure.text(0.052, 0.931, subtitle, fontsize=11, color=GREY, va="top")
        curves = figure.add_gridspec(1, 3, left=0.052, right=0.975, top=0.865, bottom=0.64, wspace=0.16)
        _draw_loss(figure.add_subplot(curves[0]), history)
        _draw_health(figure.add_subplot(curves[1]), history, z_dim)
        what = "pictures" if texts is None else "texts"
        _draw_judgement(figure.add_subplot(curves[2]), history, baselines or {}, what)
        pictures = figure.add_gridspec(1, 2, left=0.052, right=0.975, top=0.55, bottom=0.03, wspace=0.06)
        colours = _colours(labels)
        _draw_map(figure.add_subplot(pictures[0]), embeddings, labels, classes, colours, what)
        if texts is None:
            _draw_neighbours(figure.add_subplot(pictures[1]), embeddings, images, labels, classes)
        else:
            _draw_text_neighbours(figure.add_subplot(pictures[1]), embeddings, texts, labels)
    return figure


def _series(history, name):
    rows = [row for row in history if np.isfinite(row.get(name, np.nan))]
    if name in MEASURED:
        # Epochs between two measurements repeat the one before: no points of a curve.
        known = [None, *([row.get(other) for other in MEASURED] for row in rows)]
        rows = [row for row, before, now in zip(rows, known, known[1:], strict=False) if now != before]
    return [row["epoch"] for row in rows], [row[name] for row in rows]


def _draw_curve(axes, history, name, colour=BLUE, form="{:.3f}", level=None):
    from matplotlib.ticker import MaxNLocator

    epochs, values = _series(history, name)
    axes.plot(epochs, values, color=colour, linewidth=2.2, marker="o" if len(epochs) <= 30 else None, markersize=4.5)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="x", visible=False)
    axes.margins(x=0.04)
    if epochs:
        # Where there is room: away from the curve, or from the level if there is one to be reached.
        under = 0.7 * level < values[-1] < level if level else len(values) > 1 and values[-1] < values[-2]
        axes.annotate(
            form.format(values[-1]), (epochs[-1], values[-1]), (0, -9 if under else 9), textcoords="offset points",
            ha="right", va="top" if under else "bottom", color=colour, fontweight="bold",
        )  # fmt: skip
    return values


def _draw_level(axes, value, text, left, below):
    axes.axhline(value, color=GREY, linestyle=(0, (5, 4)), linewidth=1.4, zorder=1)
    axes.annotate(
        text, (0.01 if left else 0.99, value), (0, -3 if below else 3), textcoords="offset points",
        xycoords=("axes fraction", "data"), ha="left" if left else "right", va="top" if below else "bottom",
        color=GREY, fontsize=9,
    )  # fmt: skip


def _draw_loss(axes, history):
    axes.set_title("Loss")
    _draw_curve(axes, history, "loss")
    axes.margins(y=0.2)


def _draw_health(axes, history, z_dim):
    axes.set_title("Embedding spread (0 = collapsed)")
    healthy = z_dim**-0.5 if z_dim else None
    levels = _draw_curve(axes, history, "embedding_std", GREEN, level=healthy)
    if z_dim:
        levels = [*levels, healthy]
        _draw_level(axes, healthy, f"healthy: 1/√{z_dim} = {healthy:.3f}", left=True, below=False)
    if levels:
        axes.set_ylim(0, 1.25 * max(levels) or 1)


def _draw_judgement(axes, history, baselines, what):
    if _series(history, "knn")[0] or baselines:
        axes.set_title(f"kNN accuracy on the test {what}")
        levels = _draw_curve(axes, history, "knn") + list(baselines.values())
        for place, (name, value) in enumerate(baselines.items()):
            # On alternate sides, so that baselines close together can be told apart.
            _draw_level(axes, value, f"{name} {value:.3f}", left=place % 2 == 1, below=True)
        spread = max(max(levels) - min(levels), 0.02)
        axes.set_ylim(max(0, min(levels) - 0.25 * spread), min(1.02, max(levels) + 0.25 * spread))
    elif _series(history, "rankme")[0]:
        axes.set_title("RankMe: dimensions that are used")
        _draw_curve(axes, history, "rankme", form="{:.1f}")
        axes.margins(y=0.2)
    else:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no labels: nothing to compare with", ha="center", va="center", color=GREY)


def _colours(labels):
    if labels is None:
        return None
    import matplotlib

    values = np.unique(labels)
    if len(values) <= len(CLASS_COLOURS):
        return dict(zip(values, CLASS_COLOURS, strict=False))
    return dict(zip(values, matplotlib.colormaps["turbo"](np.linspace(0.03, 0.97, len(values))), strict=True))


def _class_name(classes, label):
    name = str(classes[label]) if classes is not None else str(label)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _draw_map(axes, embeddings, labels, classes, colours, what):
    axes.set_title(f"Map of {len(embeddings):,} {what} by their embeddings")
    places = neighbours.flat_map(embeddings)
    dots = {"s": 22, "linewidths": 0.4, "edgecolors": "white"}
    if labels is None:
        axes.scatter(*places.T, color=BLUE, alpha=0.6, **dots)
    else:
        axes.scatter(*places.T, c=[colours[label] for label in labels], **dots)
        if len(colours) <= MOST_NAMED:
            for label, colour in colours.items():
                box = {"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": colour, "linewidth": 1.8}
                x, y = _most_central(places[labels == label])
                axes.text(x, y, _class_name(classes, label), ha="center", va="center", fontweight="bold", bbox=box)
    axes.set(xticks=[], yticks=[])
    axes.margins(0.04)


def _most_central(places):
    # One of the points: the middle of a class in two parts lies in neither.
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    return places[np.median(distances, axis=1).argmin()]


def _draw_neighbours(axes, embeddings, images, labels, classes):
    from matplotlib.patches import Rectangle

    queries = _queries(labels, len(images))
    found = neighbours.nearest(embeddings, queries, NEIGHBOURS)
    pictures = as_rgb(images)
    ratio = images.shape[1] / images.shape[2]
    gap, lead = 0.14, 0.35
    for row, query in enumerate(queries):
        top = row * (ratio + gap)
        for column, picture in enumerate([query, *found[row]]):
            left = column * (1 + gap) + (lead if column else 0)
            axes.imshow(pictures[picture], extent=(left, left + 1, top + ratio, top), interpolation="nearest")
            right = labels is None or labels[picture] == labels[query]
            colour = INK if column == 0 else GREY if labels is None else GREEN if right else RED
            axes.add_patch(Rectangle((left, top), 1, ratio, fill=False, edgecolor=colour, linewidth=2.6))
        if labels is not None:
            axes.text(
                -0.15, top + ratio / 2, _class_name(classes, labels[query]), ha="right", va="center", fontsize=9.5
            )
    axes.set_title("Nearest neighbours" + ("" if labels is None else " (green: same label, red: another)"))
    axes.set_xlim(-1.35 if labels is not None else -0.1, (NEIGHBOURS + 1) * (1 + gap) + lead)
    axes.set_ylim(len(queries) * (ratio + gap), -0.1)
    axes.set_aspect("equal", anchor="NW")
    axes.set_axis_off()


def _draw_text_neighbours(axes, embeddings, texts, labels):
    queries = _queries(labels, len(texts), TEXT_QUERIES)
    found = neighbours.nearest(embeddings, queries, TEXT_NEIGHBOURS)
    step = 1 / (len(queries) * (TEXT_NEIGHBOURS + 1.6))
    top = 0.985
    for row, query in enumerate(queries):
        axes.text(0, top, _cut(texts[query], 78), va="top", fontsize=10.5, fontweight="bold")
        top -= 1.15 * step
        for near in found[row]:
            right = labels is None or labels[near] == labels[query]
            colour = GREY if labels is None else GREEN if right else RED
            axes.text(0.03, top, _cut(texts[near], 86), va="top", fontsize=9.5, color=colour)
            top -= step
        top -= 0.45 * step
    axes.set_title("Nearest neighbours" + ("" if labels is None else " (green: same label, red: another)"))
    axes.set_axis_off()


def _cut(text, length):
    text = " ".join(text.split()).replace("$", r"\$")
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _queries(labels, rows, count=7):
    # The first picture of classes spread evenly over all of them: nobody chose the pretty ones.
    if labels is None:
        return np.linspace(0, rows - 1, min(count, rows)).astype(int)
    values = np.unique(labels)
    chosen = values[np.linspace(0, len(values) - 1, min(count, len(values))).astype(int)]
    return np.array([np.flatnonzero(labels == value)[0] for value in chosen])
