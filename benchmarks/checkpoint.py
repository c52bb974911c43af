"""What checkpoints cost at the default interval: the time in the callback, as a share of the epochs.

python benchmarks/checkpoint.py
"""

import tempfile
import time

import keras
from report import save

from keras_ssl import callbacks, data, recipes

RECIPES, EPOCHS = ("simclr_fashion_mnist", "byol_fashion_mnist"), 2


def main():
    """Trains each recipe for some epochs and prints the share."""
    figures = {}
    for name in RECIPES:
        figures[name] = measure(recipes.get(name))
        one = figures[name]
        print(
            f"{name}: {100 * one['share']:.2f} % of {one['seconds']:.1f} s (at most 2 is wanted): "
            f"{one['writes']} checkpoints of {one['megabytes']:.1f} MB, {1000 * one['seconds_each']:.0f} ms each"
        )
    save("checkpoint", figures)


def measure(recipe):
    source = data.load(recipe.data)
    keras.utils.set_random_seed(0)
    model = recipe.build(source, 0)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = timed(callbacks.Checkpoint)(folder)
        start = time.perf_counter()
        model.fit(source, batch_size=recipe.batch_size, epochs=EPOCHS, callbacks=[checkpoint], verbose=0)
        seconds = time.perf_counter() - start
        size = checkpoint.paths()[-1].stat().st_size
    return {
        "seconds": seconds,
        "share": checkpoint.spent / seconds,
        "writes": checkpoint.writes,
        "seconds_each": checkpoint.spent / checkpoint.writes,
        "megabytes": size / 1e6,
    }


def timed(kind):
    """The callback with a stopwatch around all that Keras calls while it trains."""

    class Timed(kind):
        spent, writes = 0.0, 0

        def _save(self, *args, **kwargs):
            self.writes += 1
            return super()._save(*args, **kwargs)

    def around(name):
        def hook(self, *args, **kwargs):
            start = time.perf_counter()
            getattr(kind, name)(self, *args, **kwargs)
            self.spent += time.perf_counter() - start

        return hook

    for name in ("on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_epoch_end", "on_train_end"):
        setattr(Timed, name, around(name))
    return Timed


if __name__ == "__main__":
    main()
