"""What a terminal shows while a run trains."""

import time

import keras

SHOWN = {"loss": "loss", "embedding_std": "std", "knn": "kNN"}


class TrainingProgress(keras.callbacks.Callback):
    """One line an epoch; on a terminal a live bar below them, with the time that is left for the whole run.

    It must come after the callbacks that write into the logs what it shows: `loss`, `embedding_std`, `knn`.

    Args:
        console: `rich.console.Console` to write to.
        batch_size: int, rows of a global batch, for the rows a second.
        rows_word: str, what rows are called.
        interval: float, seconds between two looks at the logs within an epoch: each look waits for the device.
    """

    def __init__(self, console, batch_size, rows_word="images", interval=0.5):
        super().__init__()
        self.console = console
        self.batch_size = batch_size
        self.rows_word = rows_word
        self.interval = interval
        self._bar = None
        self._latest = {}

    def on_train_begin(self, logs=None):
        self._steps, self._epochs = self.params["steps"], self.params["epochs"]
        self._first_epoch = self._clock = None
        self._looked, self._speed = 0.0, None
        if self.console.is_terminal:
            self._bar = _live_bar(self.console)
            self._task = self._bar.add_task("", total=None, speed="", left="", latest="")
            self._bar.start()

    def on_epoch_begin(self, epoch, logs=None):
        if self._first_epoch is None:
            self._first_epoch = epoch
        self._epoch, self._epoch_started = epoch, time.perf_counter()
        self._passed = getattr(self.model, "batches_to_pass_over", 0)  # done before a break
        if self._bar:
            self._bar.reset(self._task, total=self._steps, description=self._title())

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        if batch < self._passed:
            self._epoch_started = now
            return
        if self._clock is None:
            # The first batch also traces and compiles: no measure of what is left.
            self._clock, self._counted_from = now, batch + 1
        self._speed = (batch + 1 - self._passed) * self.batch_size / (now - self._epoch_started)
        if self._bar and now - self._looked > self.interval:
            self._looked = now
            self._latest |= {name: float(logs[name]) for name in SHOWN if name in (logs or {})}
            self._show(batch + 1)

    def on_epoch_end(self, epoch, logs=None):
        self._latest |= {name: float(logs[name]) for name in SHOWN if name in (logs or {})}
        seconds = time.perf_counter() - self._epoch_started
        speed = f"{self._speed:,.0f} {self.rows_word}/s  " if self._speed else ""
        last = self._epochs - epoch == 1 or self.model.stop_training
        ending = "" if last else f"  {as_time(self._left(self._steps))} left"
        self.console.print(
            f"{self._title()}  {self._figures()}  {speed}{seconds:.1f} s{ending}",
            highlight=False,
            soft_wrap=True,
        )

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        """Takes the bar away: also to be called when training was broken off."""
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _title(self):
        width = len(str(self._epochs))
        return f"epoch {self._epoch + 1:>{width}}/{self._epochs}"

    def _figures(self):
        return "  ".join(f"{SHOWN[name]} {self._latest[name]:.3f}" for name in SHOWN if name in self._latest)

    def _left(self, batch):
        if not self._steps or self._clock is None:
            return None
        done = (self._epoch - self._first_epoch) * self._steps + batch
        all_of_them = (self._epochs - self._first_epoch) * self._steps
        counted = done - self._counted_from
        return (all_of_them - done) * (time.perf_counter() - self._clock) / counted if counted > 0 else None

    def _show(self, batch):
        left = self._left(batch)
        self._bar.update(
            self._task,
            completed=batch,
            speed=f"{self._speed:,.0f} {self.rows_word}/s",
            left=f"{as_time(left)} left" if left is not None else "",
            latest=self._figures(),
        )


def as_time(seconds):
    """Seconds as people read them: `"0:42"`, `"12:05"`, `"1:02:05"`; `"?"` for None.

    Example:

    >>> from keras_ssl.runs import as_time
    >>> as_time(3725)
    '1:02:05'
    """
    if seconds is None:
        return "?"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _live_bar(console):
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("[cyan]{task.fields[speed]}"),
        TextColumn("[bold]{task.fields[left]}"),
        TextColumn("{task.fields[latest]}"),
        console=console,
        transient=True,
        refresh_per_second=4,
    )
