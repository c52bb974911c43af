"""What the command line prints, and how it says that something is wrong."""

import functools
import os
import sys
import time
import warnings
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.table import Table

USER_ERRORS = (ValueError, OSError)
COLUMNS = {"knn": "kNN", "linear": "linear", "linear_10pct": "linear 10 %", "linear_1pct": "linear 1 %"}

_options = {"debug": False}


def output():
    """The console for results: standard output."""
    return Console(file=sys.stdout)


def messages():
    """The console for progress and errors: standard error."""
    return Console(file=sys.stderr)


def set_debug(debug):
    """Whether errors come with their traceback."""
    _options["debug"] = debug


def command(function):
    """A command whose user errors are one line on standard error: exit code 2, or 1 where training broke off."""

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        warnings.showwarning = _show_warning
        try:
            return function(*args, **kwargs)
        except FloatingPointError as error:
            _fail(error, 1)
        except USER_ERRORS as error:
            _fail(error, 2)

    return wrapped


def score_table(scores):
    """Raw pixels, random encoder and trained encoder as a table."""
    table = Table(title="accuracy on the test pictures")
    table.add_column("features")
    for title in COLUMNS.values():
        table.add_column(title, justify="right")
    rows = {"raw pixels": scores["baselines"]["raw"], "random encoder": scores["baselines"]["random"]}
    for name, row in (rows | {"trained encoder": scores}).items():
        style = "bold" if row is scores else None
        table.add_row(name, *(f"{row[key]:.3f}" for key in COLUMNS), style=style)
    table.caption = f"RankMe {scores['rankme']:.1f}: the dimensions that the trained encoder uses"
    return table


@contextmanager
def phase(console, title):
    """Says what is being done, and afterwards how long it took."""
    console.print(f"[bold]{title}[/bold]")
    start = time.perf_counter()
    yield
    console.print(f"  [dim]{time.perf_counter() - start:.1f} s[/dim]", highlight=False)


def device_line():
    """What TensorFlow computes on, in a few words."""
    import tensorflow as tf

    accelerators = [device.device_type for device in tf.config.list_physical_devices() if device.device_type != "CPU"]
    if accelerators:
        return ", ".join(f"{accelerators.count(kind)} {kind}" for kind in sorted(set(accelerators)))
    return f"CPU with {os.cpu_count()} cores, no accelerator found"


def _fail(error, code):
    if _options["debug"]:
        raise error
    messages().print(f"[bold red]Error:[/bold red] {_one_line(error)}", highlight=False, soft_wrap=True)
    raise typer.Exit(code) from error


def _show_warning(message, category, filename, lineno, file=None, line=None):
    messages().print(f"[yellow]Warning:[/yellow] {_one_line(message)}", highlight=False, soft_wrap=True)


def _one_line(message):
    from rich.markup import escape

    return escape(" ".join(str(message).split()))
