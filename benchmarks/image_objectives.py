"""A step of `fit` of each objective against the bare forward and backward that its method needs.

python benchmarks/image_objectives.py [--only RECIPE ...] [--again]

Both make the same views of the same batches. The bare step sends them through the same networks in the same groups
(student, heads, teacher), takes the mean of squares of what comes out for a loss, goes backward and lets the optimizer
step: no loss of its own, no queue, prototypes, centre, moving teacher, metrics or callbacks. What goes through which
network is read off the objective's own `forward`, and refused where that is more than the method needs.

Each objective has a process of its own. One that is in `results/` is not measured again unless told so. Memory is the
peak of a process that has trained; what is prepared before an epoch is not part of a step.
"""

import contextlib
import json
import sys
import time
from unittest import mock

import keras
import numpy as np
import report
import tensorflow as tf
from each_alone import alone, parser_of, peak_memory_mb, run_each

from keras_ssl import data, layers, recipes
from keras_ssl.layers.heads import MultiLayerPerceptron
from keras_ssl.random import RowDraws

DATA, STEPS, ROUNDS, WANTED = "fashion_mnist_sample", 10, 5, 1.10
NETWORKS = {
    "encoder": "student",
    "projector": "projector",
    "predictor": "predictor",
    "teacher_encoder": "teacher",
    "teacher_projector": "teacher's projector",
}
ONE_WAY = ("MoCo", "ReSSL", "TiCo")  # one view through the student, the other through the teacher
LARGE_VIEWS = 2  # of many, all that a teacher sees


def main(words=None):
    """Measures what is missing, then prints all there is."""
    names = [name for name in recipes.names() if recipes.get(name).data == DATA and recipes.get(name).tested]
    arguments = parser_of(__doc__, names, "RECIPE").parse_args(words)
    if arguments.alone:
        alone(measure, arguments.alone)
        return
    failed = run_each(__file__, [name for name in arguments.only if arguments.again or name not in results()])
    print_table({name: figures for name, figures in results().items() if name in names})
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def measure(name):
    """Interleaves the two steps and compares the fastest round of each."""
    recipe = recipes.get(name)
    source = data.load(recipe.data)
    keras.utils.set_random_seed(recipe.seed)
    fit = fit_run(recipe, source)
    fit()  # traces
    peak = peak_memory_mb()
    passes, bare = bare_run(recipe, source)
    bare()
    seconds = {fit: [], bare: []}
    for _ in range(ROUNDS):
        for run, found in seconds.items():
            found.append(run())
    figures = {
        "objective": recipe.objective,
        "fit_ms": 1000 * min(seconds[fit]),
        "bare_ms": 1000 * min(seconds[bare]),
        "ratio": min(seconds[fit]) / min(seconds[bare]),
        "peak_memory_mb": round(peak),
        "batch_size": recipe.batch_size,
        "passes": passes,
        "commit": report.commit(),
    }
    record(name, figures, recipe.seed)


def record(name, figures, seed=0):
    """Puts what was measured of a recipe to what was measured of the others."""
    report.save("image_objectives", {"objectives": {**results(), name: figures}}, seed=seed)


def results():
    """All that was measured so far: dict from recipe to figures."""
    path = report.RESULTS / "image_objectives.json"
    return json.loads(path.read_text())["objectives"] if path.exists() else {}


def print_table(found):
    print(f"{'objective':<14}{'fit ms':>8}{'bare ms':>9}{'ratio':>7}{'MB':>7}  views together through each network")
    for one in found.values():
        passes = ", ".join(f"{network} {together}" for network, together in one["passes"].items())
        times = f"{one['fit_ms']:>8.1f}{one['bare_ms']:>9.1f}{one['ratio']:>7.3f}"
        print(f"{one['objective']:<14}{times}{one['peak_memory_mb']:>7,}  {passes}")
    print(f"a ratio of at most {WANTED:.2f} is wanted")


def fit_run(recipe, source):
    """A function that trains for some steps and returns the seconds of one."""
    model, clock = recipe.build(source, recipe.seed), StepClock()
    options = {"batch_size": recipe.batch_size, "steps_per_epoch": STEPS, "verbose": 0, "callbacks": [clock]}

    def run():
        model.fit(source, **options)
        return clock.seconds / STEPS

    return run


class StepClock(keras.callbacks.Callback):
    """The seconds of all steps of an epoch, without what `fit` plans and prepares before them."""

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.perf_counter() - self.start


def bare_run(recipe, source):
    """What goes through each network, for people, and a function as that of `fit_run`."""
    model, rows = recipe.build(source, recipe.seed), recipe.batch_size
    batches = iter(source.batches(rows, seed=recipe.seed))
    views = model.views(next(batches), RowDraws(recipe.seed, 0, rows), training=True)
    passes = passes_of_forward(model, views, rows)
    counted = check_passes(model, passes, len(pictures(views)))
    weights = model.trainable_variables

    @tf.function
    def step(batch, number):
        things = pictures(model.views(batch, RowDraws(recipe.seed, number, rows), training=True))
        with tf.GradientTape() as tape:
            for network, inputs in passes:
                together = tf.concat([things[index] for index in inputs], axis=0)
                things += tf.split(network(together, training=True), len(inputs))
            used = {index for _, inputs in passes for index in inputs}
            ends = [tf.cast(thing, "float32") for index, thing in enumerate(things) if index not in used]
            loss = tf.add_n([tf.reduce_mean(tf.square(end)) for end in ends])
        # Weights that only a loss uses, such as prototypes, are stepped too: they belong to the method.
        values = [weight.value for weight in weights]  # TensorFlow makes no zeros for Keras's own variables
        gradients = tape.gradient(loss, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        model.optimizer.apply(gradients, weights)
        return loss

    def run():
        start = time.perf_counter()
        for number in range(STEPS):
            loss = step(next(batches), tf.constant(number, "int64"))
        loss.numpy()  # waits until it is there
        return (time.perf_counter() - start) / STEPS

    return counted, run


def pictures(views):
    """The pictures among what `views` made, which may be beside indices and random numbers: list of tensors."""
    return [leaf for leaf in tf.nest.flatten(views) if leaf.shape.rank == 4]


def passes_of_forward(model, views, rows):
    """What `forward` sends through encoder, heads and teachers: list of pairs `(network, inputs)`, in order.

    Views and all that networks give are numbered as they come, each of `rows` rows; `inputs` are the numbers of
    those that go through the network together.
    """
    passes = []
    things = [(directions(view), None) for view in pictures(views)]

    def recording(network, call):
        is_teacher = isinstance(network, layers.MomentumTeacher)

        def number_of(part):
            part = directions(part)
            # At the start a teacher gives what its student gives: each is fed by its own kind. The last comes first.
            for number in reversed(range(len(things))):
                thing, from_teacher = things[number]
                own = from_teacher in (None, is_teacher) and thing.shape == part.shape
                if own and np.allclose(thing, part, atol=1e-5):
                    return number
            raise ValueError(f"`{network.name}` must be sent views or what a network gave. Received: {part.shape}")

        def recorded(x, *args, **kwargs):
            outputs = call(x, *args, **kwargs)
            inputs = [number_of(part) for part in np.split(np.asarray(x), len(x) // rows)]
            passes.append((network, inputs))
            things.extend((directions(part), is_teacher) for part in np.split(np.asarray(outputs), len(inputs)))
            return outputs

        return recorded

    with contextlib.ExitStack() as stack:
        for network in model.layers:
            if isinstance(made_of(network), (keras.Model, MultiLayerPerceptron)):
                stack.enter_context(mock.patch.object(network, "call", recording(network, network.call)))
        model.forward(views, training=True)
    return passes


def directions(rows):
    """Rows of length 1, by which a thing is known again: some objectives normalise what goes into a head."""
    flat = np.asarray(rows, "float32").reshape(len(rows), -1)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)


def made_of(network):
    return network.copy if isinstance(network, layers.MomentumTeacher) else network


def check_passes(model, passes, view_count):
    """How many views go together through each network, for people; refuses more than the method needs."""
    one_way = type(model).__name__ in ONE_WAY and not getattr(model, "symmetric", False)
    needed = {"student": 1 if one_way else view_count, "teacher": 1 if one_way else min(view_count, LARGE_VIEWS)}
    names = {id(getattr(model, attribute, None)): name for attribute, name in NETWORKS.items()}
    groups = {}
    for network, inputs in passes:
        groups.setdefault(names.get(id(network), network.name), []).append(len(inputs))
    for name in needed.keys() & groups.keys():
        if sum(groups[name]) != needed[name]:
            raise ValueError(
                f"`forward` must send {needed[name]} of {view_count} views through the {name}. "
                f"Received: {sum(groups[name])}"
            )
    return {name: "+".join(map(str, sizes)) for name, sizes in groups.items()}


if __name__ == "__main__":
    main()
