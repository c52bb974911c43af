# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From unlabelled pictures to an encoder
#
# We pretrain a small residual network with SimCLR on 10,000 pictures without looking at their labels, watch that it
# learns and does not collapse, judge it by nearest neighbours and a linear probe, and take the encoder away: as a
# SavedModel for TF Serving, and as a plain Keras model. On a CPU this takes a few minutes; a GPU is used if there is
# one.

# %%
import importlib.util

if importlib.util.find_spec("keras_ssl") is None:  # in Colab
    get_ipython().run_line_magic("pip", "install -q keras-ssl")  # noqa: F821

# %%
import os
import tempfile

import keras
import matplotlib.pyplot as plt
import numpy as np

from keras_ssl import augment, backbones, callbacks, data, evaluation, objectives, schedules, serving
from keras_ssl.random import RowDraws

EPOCHS = int(os.environ.get("KERAS_SSL_EPOCHS", "10"))
keras.utils.set_random_seed(0)

# %% [markdown]
# ## The data
#
# A sample of Fashion-MNIST comes with the package. `data.load` also takes a folder of your own pictures, arrays, or the
# name of a set of tensorflow-datasets. The labels are used for judging alone.

# %%
train, test = data.load("fashion_mnist_sample"), data.load("fashion_mnist_sample", "test")
train, test

# %% [markdown]
# ## Views
#
# SimCLR learns that two random views of a picture show the same thing. What they have in common by chance must not give
# them away: grey pictures have no colour to change, so brightness, contrast and sometimes inverted tones are changed.

# %%
views = augment.Augmentation(augment.image.simclr_views, solarize=0.2, blur=0.0, crop_scale=(0.2, 1.0))

pictures = train.images(np.arange(8))
first, second = views(pictures, RowDraws(seed=0, step=0, rows=8))
figure, axes = plt.subplots(3, 8, figsize=(12, 4.8))
for row, (name, batch) in enumerate({"picture": pictures, "view 1": first, "view 2": second}.items()):
    axes[row, 0].set_ylabel(name)
    for column in range(8):
        axes[row, column].imshow(np.asarray(batch)[column, ..., 0], cmap="gray", vmin=0, vmax=255)
        axes[row, column].set(xticks=[], yticks=[])

# %% [markdown]
# ## Pretrain
#
# The objective is a `keras.Model`: `compile` and `fit` as ever. Without arguments `compile()` takes the paper's
# optimizer, which is meant for large batches; for this small one AdamW is better. `embedding_std` is 0 when the
# embeddings have collapsed, and about `1 / sqrt(width)` when all is well.

# %%
encoder = backbones.small_image_resnet(train.image_shape, widths=(32, 64, 128), stem_strides=2, pooling="max")
model = objectives.SimCLR(encoder, temperature=0.2, augment=views)
model.compile(keras.optimizers.AdamW(schedules.WarmupCosine(peak=3e-3), weight_decay=1e-4))

watch = [callbacks.KNNMonitor(train, test), callbacks.CollapseWarning()]
history = model.fit(train, batch_size=128, epochs=EPOCHS, callbacks=watch, verbose=2).history

# %%
figure, axes = plt.subplots(1, 3, figsize=(14, 3.5))
for axis, name in zip(axes, ("loss", "embedding_std", "knn"), strict=True):
    axis.plot(range(1, EPOCHS + 1), history[name], marker="o")
    axis.set(title=name, xlabel="epoch")
axes[1].axhline(1 / np.sqrt(model.z_dim), linestyle="--", color="gray")
axes[1].set_ylim(bottom=0)
# %% [markdown]
# ## Judge
#
# Beside the trained encoder always the raw pixels and the same network with random weights: what they reach was not
# learned.

# %%
scores = evaluation.evaluate_encoder(encoder, train, test)
rows = {**scores["baselines"], "trained": scores}
print(f"{'':8}" + "".join(f"{name:>14}" for name in ("knn", "linear", "linear_10pct", "linear_1pct")))
for name, row in rows.items():
    print(f"{name:8}" + "".join(f"{row[key]:14.3f}" for key in ("knn", "linear", "linear_10pct", "linear_1pct")))

# %% [markdown]
# ## Take the encoder away
#
# A SavedModel in the layout of TF Serving, checked by running it without Python's TensorFlow; and a plain Keras model
# that loads where keras_ssl is not installed.

# %%
folder = tempfile.mkdtemp()
exported = serving.export_encoder(encoder, os.path.join(folder, "served"), examples=test)
checked = serving.verify(os.path.join(folder, "served"))
print(f"{exported.name}: largest difference {checked['max_difference']:.1e} on {checked['examples']} pictures")

# %%
path = os.path.join(folder, "encoder.keras")
encoder.save(path)
reloaded = keras.models.load_model(path)
classifier = keras.Sequential([reloaded, keras.layers.Dense(10, activation="softmax")])
classifier.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
pixels, labels = train.arrays()
classifier.fit(pixels[:1000], labels[:1000], epochs=min(EPOCHS, 5), verbose=2)
np.abs(reloaded.predict(pictures, verbose=0) - encoder.predict(pictures, verbose=0)).shape
