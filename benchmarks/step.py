"""A step of `fit` against a bare one: the same views, forward, backward and update, but no metrics and no callbacks.

python benchmarks/step.py
"""

import keras
import numpy as np
import tensorflow as tf
from fit_against_bare import fit_against_bare
from report import save

from keras_ssl import augment, backbones, data, losses, objectives
from keras_ssl.random import RowDraws

BATCH, STEPS, ROUNDS = 256, 15, 5


def main():
    """Interleaves the two and compares the fastest round of each."""
    keras.utils.set_random_seed(0)
    batches = data.load("fashion_mnist_sample").batches(BATCH)
    runs = {"fit": fit_run(batches), "bare": bare_run(batches)}
    save("step", fit_against_bare(runs, STEPS, ROUNDS))


def new_model():
    encoder = backbones.small_image_resnet((28, 28, 1), widths=(32, 64, 128), stem_strides=2)
    views = augment.Augmentation(augment.image.simclr_views, blur=0.0, crop_scale=(0.3, 1.0))
    model = objectives.SimCLR(encoder, temperature=0.2, augment=views)
    model.compile(keras.optimizers.AdamW(1e-3))
    return model


def fit_run(batches):
    model = new_model()

    def run():
        model.fit(batches, steps_per_epoch=STEPS, verbose=0)

    run()
    return run


def bare_run(batches):
    model = new_model()
    weights = model.trainable_variables

    @tf.function
    def step(x, number):
        first, second = model.augment(x, RowDraws(0, number, BATCH))
        with tf.GradientTape() as tape:
            features = model.encoder(tf.concat([first, second], axis=0), training=True)
            z0, z1 = tf.split(model.projector(features, training=True), 2)
            loss = losses.nt_xent(z0, z1, model.temperature)
        model.optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    def run():
        for number, batch in enumerate(batches.take(STEPS)):
            loss = step(batch["x"], tf.constant(number, "int64"))
        return np.asarray(loss)

    run()
    return run


if __name__ == "__main__":
    main()
