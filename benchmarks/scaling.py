"""Images a second of one worker on one core against two workers on one core each, over real processes and sockets.

python benchmarks/scaling.py

The processes take turns, so that whatever else the machine does hits all sides alike. Two workers that train apart, at
the same time, show how much of the loss is the machine's own (shared memory and caches). Two that synchronise the
encoder's batch normalisation show what that costs: Keras exchanges three small sums a layer, and more backward, each of
which waits for both.
"""

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import time

BATCH, STEPS, ROUNDS, CORES = 256, 12, 5, (0, 1)


def main():
    """Prints and writes the efficiency: what two workers do, over twice what one does."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker)
        return
    from report import save

    alone, apart = (Worker(core) for core in CORES)
    together, synchronized = (
        [Worker(core, config, synchronize) for core, config in zip(CORES, cluster(), strict=True)]
        for synchronize in (False, True)
    )
    sides = {"one": [alone], "two": together, "two_synchronized": synchronized, "two_apart": [alone, apart]}
    speeds = {side: [] for side in sides}
    with contextlib.ExitStack() as stack:
        for worker in {id(worker): worker for workers in sides.values() for worker in workers}.values():
            stack.callback(worker.close)
        for number in range(ROUNDS + 1):
            for side, workers in sides.items():
                speed = turn(workers)
                if number:  # the first traces
                    speeds[side].append(speed)
    typical = {side: sorted(values)[len(values) // 2] for side, values in speeds.items()}
    efficiency = {side: speed / (2 * typical["one"]) for side, speed in typical.items() if side != "one"}
    for side, speed in typical.items():
        told = f"   efficiency {efficiency[side]:.3f}" if side in efficiency else ""
        print(f"{side:>16}: {speed:7.0f} images/s{told}")
    print("at least .85 is wanted of two")
    figures = {"batch_per_worker": BATCH, "images_per_second": typical, "rounds": speeds}
    save("scaling", figures | {"efficiency": efficiency})


class Worker:
    """A process on one core that trains when it is told to."""

    def __init__(self, core, config=None, synchronize=False):
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--worker", json.dumps({"core": core, "synchronize": synchronize})],
            env=environment | ({"TF_CONFIG": config} if config else {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def seconds(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"A worker ended with exit code {self.process.wait()}.")
        return float(line)

    def close(self):
        self.process.kill()


def turn(workers):
    """Images a second of all these workers in one turn."""
    for worker in workers:
        worker.go()
    return len(workers) * BATCH * STEPS / max(worker.seconds() for worker in workers)


def work(told):
    """Trains for some steps at each line of standard input, and prints the seconds they took."""
    told = json.loads(told)
    os.sched_setaffinity(0, {told["core"]})
    import keras

    from keras_ssl import data, distribution, recipes

    class Stopwatch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 0:
                self.start = time.perf_counter()
            self.seconds = time.perf_counter() - self.start

    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing else may print there
    strategy, stopwatch = distribution.strategy("auto"), Stopwatch()  # before TensorFlow runs anything
    recipe, source = recipes.get("simclr_fashion_mnist"), data.load("fashion_mnist_sample")
    with strategy.scope():
        model = recipe.build(source, 0)
    if told["synchronize"]:
        distribution.synchronize_batch_norm(model)
    batch_size = BATCH * strategy.num_replicas_in_sync
    for _ in sys.stdin:
        model.fit(source, batch_size=batch_size, steps_per_epoch=STEPS + 1, callbacks=[stopwatch], verbose=0)
        print(stopwatch.seconds, file=output, flush=True)


def cluster():
    """The TF_CONFIG of each worker."""
    sockets = [socket.socket() for _ in CORES]
    for one in sockets:
        one.bind(("localhost", 0))
    addresses = [f"localhost:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return [
        json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})
        for index in range(len(CORES))
    ]


if __name__ == "__main__":
    main()
