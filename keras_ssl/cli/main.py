"""The commands of `keras-ssl`. Each reads its options, calls the package, and prints."""

import json
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from keras_ssl import callbacks, distribution, recipes, runs, serving
from keras_ssl import data as sources
from keras_ssl.cli import console
from keras_ssl.files import written_aside
from keras_ssl.version import __version__

app = typer.Typer(
    help="Self-supervised learning for Keras: pretrain an encoder on unlabelled data, judge it, take it away.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Run = Annotated[Path, typer.Argument(help="Folder of a run, as made by `pretrain`.", metavar="RUN")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, and nothing else there.")]


def _version(wanted: bool):
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def main(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
):
    """Self-supervised learning for Keras."""
    console.set_debug(debug)


@app.command("list")
@console.command
def list_recipes(
    data: Annotated[str | None, typer.Option(help="Only the recipes for these data.", metavar="NAME")] = None,
    as_json: AsJson = False,
):
    """Lists the recipes with their measured scores, and the data that can be named."""
    found = [recipes.get(name) for name in recipes.names()]
    known = sorted({recipe.data for recipe in found})
    if data is not None and data not in known:
        raise ValueError(f"`data` must be one that a recipe is for: {', '.join(known)}. Received: data={data!r}")
    found = [recipe for recipe in found if data in (None, recipe.data)]
    if as_json:
        fields = ("name", "objective", "summary", "paper", "data", "epochs", "batch_size", "after", "scores", "tested")
        listed = [{field: _plain(getattr(recipe, field)) for field in fields} for recipe in found]
        print(json.dumps({"recipes": listed, "data": sources.names(), "texts": sources.text_names()}, indent=2))
        return
    console.output().print(console.recipe_table(found))
    if data is None:
        console.output().print(console.data_table(sources.names(), "pictures"))
        console.output().print(console.data_table(sources.text_names(), "texts"))


@app.command()
@console.command
def pretrain(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, see `list`.", metavar="RECIPE")],
    data: Annotated[str | None, typer.Option(help="Name or path of the data, instead of the recipe's.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the data.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows of a batch, over all replicas.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Height and width to which pictures are brought.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.")] = None,
    output: Annotated[Path | None, typer.Option(help="The run folder [default: runs/<recipe>-<n>].")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on exactly where the run's last checkpoint is.")] = False,
    init_from: Annotated[
        str | None,
        typer.Option(
            help="Run whose encoder to start from; of texts also a preset folder of keras-hub.", metavar="DIR"
        ),
    ] = None,
    early_stopping: Annotated[
        str | None, typer.Option(help="Stop when it no longer gets better.", metavar="METRIC:PATIENCE")
    ] = None,
    mixed_precision: Annotated[
        str | None, typer.Option(help="Keras dtype policy, such as mixed_bfloat16.", metavar="POLICY")
    ] = None,
    deterministic: Annotated[bool, typer.Option("--deterministic", help="Bit-equal repetitions, slower.")] = False,
    strategy: Annotated[
        str | None, typer.Option(help="none, auto, mirrored, multi_worker, tpu, or cpu:N replicas.")
    ] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(help="Batches between two checkpoints [default: what 1 % of the time allows].")
    ] = None,
    keep_checkpoints: Annotated[int | None, typer.Option(help="How many of the latest checkpoints stay.")] = None,
    keep_best: Annotated[
        str | None, typer.Option(help="Keep a checkpoint of the best epoch by this too.", metavar="METRIC")
    ] = None,
    evaluate: Annotated[bool, typer.Option("--evaluate/--no-evaluate", help="Judge the encoder at the end.")] = True,
):
    """Pretrains an encoder by a recipe; everything about the run goes into its folder.

    SIGTERM saves the run and ends with exit code 143, Ctrl-C with 130, every error with 1.
    """
    recipe = recipes.get(recipe)
    given = {
        "data": data,
        "epochs": epochs,
        "batch_size": batch_size,
        "image_size": (image_size, image_size) if image_size is not None else None,
        "seed": seed,
        "init_from": init_from,
        "early_stopping": early_stopping,
        "mixed_precision": mixed_precision,
        "deterministic": deterministic or None,
        "strategy": strategy,
        "checkpoint_every": checkpoint_every,
        "keep_checkpoints": keep_checkpoints,
        "keep_best": keep_best,
    }
    earlier, options = _earlier_and_options(recipe, given, output, resume)
    strategy = distribution.strategy(options.strategy)
    folder = earlier or _new_folder(recipe, output, strategy)
    _pretrain(recipe, options, folder, strategy)
    if not distribution.is_chief(strategy):
        return
    scores = _judge(folder, evaluate)
    if scores:
        console.output().print(console.score_table(scores))
    print(f"run folder: {folder.path}", f"picture:    {folder.report_path}", sep="\n")


@app.command()
@console.command
def evaluate(
    run: Run,
    data: Annotated[str | None, typer.Option(help="Labelled data instead of the run's own.")] = None,
    as_json: AsJson = False,
):
    """Judges a run's encoder by neighbours, probes and, of texts, retrieval, beside its baselines."""
    folder = runs.RunFolder.open(run)
    with console.telling() as tell:
        scores = runs.evaluate(folder, data, progress=tell)
    if data is None:
        runs.report(folder)
    if as_json:
        print(json.dumps(scores))
    else:
        console.output().print(console.score_table(scores))


@app.command()
@console.command
def embed(
    run: Run,
    data: Annotated[str, typer.Option(help="Name or path of what to embed: pictures, or texts for a run on texts.")],
    output: Annotated[
        Path, typer.Option(help="The file to write: `embeddings`, and `labels` if any.", metavar="FILE.npz")
    ],
    split: Annotated[
        str | None, typer.Option(help="Split of the data [default: all of a folder or file, train of a named set].")
    ] = None,
):
    """Writes the embeddings of pictures or texts to a file; of a text file one for each line that is not blank."""
    if output.suffix != ".npz":
        raise ValueError(f"`output` must end in .npz. Received: output={output}")
    folder = runs.RunFolder.open(run)
    output.parent.mkdir(parents=True, exist_ok=True)
    with console.telling() as tell:
        embeddings, labels = runs.embed(folder, data, split, progress=tell)
    arrays = {"embeddings": embeddings} | ({} if labels is None else {"labels": labels})
    with written_aside(output) as aside:
        np.savez(aside, **arrays)
    print(f"{len(embeddings):,} embeddings of width {embeddings.shape[1]}: {output}")


@app.command()
@console.command
def export(
    run: Run,
    output: Annotated[
        Path, typer.Option(help="Model folder of TF Serving, the next version is made in it; or the file to write.")
    ],
    format: Annotated[
        str, typer.Option(help="savedmodel for TF Serving, of texts two; tflite or onnx: one file.")
    ] = "savedmodel",
    int8: Annotated[
        bool, typer.Option("--int8", help="8-bit weights in a TF Lite file, and what they cost in kNN.")
    ] = False,
    normalize: Annotated[bool, typer.Option("--normalize", help="Embeddings of length 1.")] = False,
    max_length: Annotated[
        int | None, typer.Option(help="Of texts: the most token ids, what is longer is cut [default: the run's].")
    ] = None,
    pooling: Annotated[str | None, typer.Option(help="avg, max, cls or last, instead of the encoder's own.")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer whose output is exported instead.", metavar="NAME")] = None,
    input_dtype: Annotated[
        str | None, typer.Option(help="Dtype of the pixels that clients send, such as uint8.", metavar="DTYPE")
    ] = None,
    from_bytes: Annotated[
        bool | None,
        typer.Option(
            "--from-bytes/--no-from-bytes", help="A second signature, of picture files; without a word, where it fits."
        ),
    ] = None,
):
    """Exports a run's encoder: a SavedModel for TF Serving, or a file for LiteRT or ONNX Runtime."""
    exported = runs.export(
        runs.RunFolder.open(run),
        output,
        format=format,
        int8=int8,
        normalize=normalize,
        max_length=max_length,
        pooling=pooling,
        layer=layer,
        input_dtype=input_dtype,
        from_bytes=from_bytes,
    )
    print(f"exported: {exported['path']}")
    if "bytes" in exported:
        compared = f"{exported['max_difference']:.1e} on {exported['examples']} pictures"
        print(f"          {exported['bytes']:,} bytes, largest difference from Keras {compared}")
    if exported.get("knn"):
        knn = exported["knn"]
        print(f"kNN:      float {knn['float']:.4f}, int8 {knn['int8']:.4f}, loss {knn['loss']:+.4f}")


@app.command()
@console.command
def verify(
    directory: Annotated[Path, typer.Argument(help="Model folder, or one version of it.", metavar="DIR")],
    load: Annotated[
        float | None,
        typer.Option(help="Then ask from 8 threads for that long, beside a tf.function.", metavar="SECONDS"),
    ] = None,
    as_json: AsJson = False,
):
    """Runs every signature of an export without Python's TensorFlow, and compares with what Keras gave."""
    with console.telling() as tell:
        if load:
            tell(f"8 threads ask for {load:g} s, and a tf.function for as long, in turns")
        result = serving.verify(directory, load=load)
    if as_json:
        print(json.dumps(result))
        return
    print(_verified(result))
    if load:
        console.output().print(_load_table(result["load"]))


@app.command()
@console.command
def quickstart(
    recipe: Annotated[str, typer.Option(help="The recipe to try.")] = "simclr_fashion_mnist",
    output: Annotated[Path | None, typer.Option(help="The run folder [default: runs/quickstart-<n>].")] = None,
):
    """The main job in one go: pretrain, judge, export, verify."""
    told, start = console.messages(), time.perf_counter()
    recipe = recipes.get(recipe)
    folder = runs.RunFolder.create(output) if output else runs.RunFolder.next_free("quickstart")
    with console.phase(told, f"1. Pretrain: {recipe.summary}"):
        _pretrain(recipe, runs.RunOptions.new(recipe), folder)
    with console.phase(told, "2. Judge, beside the baselines"):
        scores = _judge(folder)
    with console.phase(told, "3. Export for TF Serving"):
        exported = runs.export(folder, folder.path / "export")["path"]
    with console.phase(told, "4. Verify the export without Python"):
        result = serving.verify(exported)
    if scores:
        console.output().print(console.score_table(scores))
    print(
        f"picture:  {folder.report_path}",
        f"encoder:  {folder.encoder_path}  (keras.models.load_model)",
        f"export:   {exported}  (TF Serving)",
        _verified(result),
        f"more:     tensorboard --logdir {folder.tensorboard_path}",
        f"took:     {runs.as_time(time.perf_counter() - start)} in all",
        sep="\n",
    )


def _earlier_and_options(recipe, given, output, resume):
    """The folder of the run to go on with, None for a new run, and the options."""
    if not resume or (output and not runs.RunFolder(output).holds_run()):
        return None, runs.RunOptions.new(recipe, **given)
    folder = runs.RunFolder.open(output) if output else runs.RunFolder.newest(recipe.name)
    return folder, runs.RunOptions.resumed(folder.read_config()["options"], recipe, **given)


def _new_folder(recipe, output, strategy):
    if distribution.worker_count(strategy) > 1 and not output:
        raise ValueError("`output` must be given with several workers: a folder that they share. Received: output=None")
    if not distribution.is_chief(strategy):
        return runs.RunFolder(output)
    return runs.RunFolder.create(output) if output else runs.RunFolder.next_free(recipe.name)


def _pretrain(recipe, options, folder, strategy=None):
    is_chief = strategy is None or distribution.is_chief(strategy)
    console.tell_plainly(f"{recipe.objective} on {options.data}, {console.device_line(strategy)}")
    rows_word = "images" if recipe.kind == "pictures" else "rows"
    progress = [runs.TrainingProgress(console.messages(), options.batch_size, rows_word)] if is_chief else []
    try:
        return runs.pretrain(recipe, options, folder, strategy=strategy, progress=progress)
    except KeyboardInterrupt as error:
        console.tell_plainly(f"Stopped. {_to_go_on(recipe, folder)}")
        raise typer.Exit(130) from error
    except callbacks.Preempted as stopped:
        saved = "all is saved" if stopped.saved else "the last moment could not be saved, what is before it is kept"
        console.tell_plainly(f"Stopped by SIGTERM; {saved}. {_to_go_on(recipe, folder)}")
        raise typer.Exit(callbacks.Preempted.CODE) from stopped
    finally:
        for one in progress:
            one.close()
        if is_chief:
            folder.remove_if_empty()


def _to_go_on(recipe, folder):
    return f"To go on: keras-ssl pretrain {recipe.name} --output {folder.path} --resume"


def _judge(folder, evaluate=True):
    """The scores of a run with labels, None without or unless asked for; the picture in any case."""
    judged = evaluate and ("knn" in (folder.read_history() or [{}])[-1] or folder.read_config().get("judged", False))
    with console.telling() as tell:
        scores = runs.evaluate(folder, progress=tell) if judged else None
        tell("picture and projector")
        runs.report(folder)
    return scores


def _verified(result):
    differences = (
        f"{name} {one['max_difference']:.1e} on {one['examples']} examples"
        for name, one in result["signatures"].items()
    )
    return f"verified: version {result['version']} ran without Python, largest difference: {', '.join(differences)}"


def _load_table(load):
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("signature")
    table.add_column("asked")
    for title in ("requests/s", "p50 ms", "p99 ms"):
        table.add_column(title, justify="right")
    for name, sides in load["signatures"].items():
        for key, title in {"c_api": "C API", "tf_function": "tf.function", "ratio": "ratio"}.items():
            figures = (f"{sides[key][column]:,.2f}" for column in ("requests_per_second", "p50_ms", "p99_ms"))
            table.add_row(name, title, *figures, end_section=key == "ratio")
    table.caption = (
        f"{load['threads']} threads, no error; memory grew by {load['memory_growth']:.1%} "
        f"of {load['resident_bytes'] / 2**20:.0f} MB"
    )
    return table


def _plain(value):
    return dict(value) if hasattr(value, "items") else value
