"""DeepCluster, version 2."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_ssl import distribution, layers, losses, optimizers, random, schedules
from keras_ssl.augment.image import swav_views
from keras_ssl.objectives import batch, checks
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel


@keras.saving.register_keras_serializable("keras_ssl")
class DeepClusterV2(JointEmbeddingModel):
    """Clusters the projections of all pictures before each epoch, and learns to tell each view's cluster.

    Several clusterings, each from other random pictures (`layers.spherical_k_means`), give each picture as many labels
    for the epoch; their unit centroids are the classifiers' weights, which no gradient moves. The loss is the
    cross-entropy of `cosine / temperature`, the mean over clusterings and views.

    It looks at all data before each epoch, and looks up a picture's clusters by its number, so batches must come with
    `index`: give `fit` a source of `keras_ssl.data`, or dicts with `x` and `index`. It needs more pictures than
    clusters, ten times as many and more; batches may be small. In `evaluate`, whose pictures were not clustered, the
    label of a picture is the centroid that is nearest to it before it is augmented.

    NOTE: The paper clusters the projections of the views of the epoch before, as they came by; here they are made anew
    from the pictures as they are, by the encoder at rest. That costs a forward pass, and no projection is an epoch old.
    The encoder must take the pictures as they are in the data; under several workers each makes the whole pass.

    Views of two sizes need an encoder that leaves height and width open, `keras.Input((None, None, 3))`. For an encoder
    of one size make all views of that size: `augment=Augmentation(swav_views, global_size=28, local_count=0)`.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        examples: int, how many pictures there are, `len(source)`.
        projection_widths: widths of the projection head's layers.
        cluster_counts: tuple of ints, the clusters of each clustering.
        temperature: float above 0.
        k_means_iterations: int, 0 or more.
        augment: function `(x, rng) -> views`; None for `augment.image.swav_views` as in the paper: two of 224 pixels,
            six of 96.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If an argument is out of range, a view does not fit the encoder, or a picture has a number that is
            not below `examples`.

    Example:

    >>> import keras, numpy as np
    >>> from keras_ssl import augment, objectives
    >>> views = augment.Augmentation(augment.image.multi_crop, global_size=8, local_size=4, local_count=1)
    >>> layers = [keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()]
    >>> encoder = keras.Sequential(layers)
    >>> model = objectives.DeepClusterV2(
    ...     encoder, examples=8, projection_widths=(8, 8), cluster_counts=(2, 3), augment=views
    ... )
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit({"x": pictures, "index": np.arange(8)}, batch_size=4, verbose=0)
    >>> tuple(model.assignments.shape)
    (8, 2)

    Reference: arXiv 2006.09882, section 4.1 and appendix. LARS on all weights with rate .3 * batch / 256, ten epochs of
    warm-up, cosine decay to a thousandth, weight decay 1e-6.
    """

    terms = ("cross_entropy",)
    view_counts = (2, None)
    uses_index = True

    def __init__(
        self,
        encoder,
        examples,
        projection_widths=(2048, 128),
        cluster_counts=(3000, 3000, 3000),
        temperature=0.1,
        k_means_iterations=10,
        augment=None,
        **kwargs,
    ):
        super().__init__(encoder, projection_widths, augment=augment, **kwargs)
        self.cluster_counts = tuple(cluster_counts)
        checks.check_positive(temperature=temperature, cluster_counts=min(self.cluster_counts, default=0))
        checks.check_not_negative(k_means_iterations=k_means_iterations)
        if examples < max(self.cluster_counts):
            raise ValueError(
                f"`examples` must be at least the clusters of a clustering, {max(self.cluster_counts)}. "
                f"Received: examples={examples}"
            )
        self.examples = examples
        self.temperature = temperature
        self.k_means_iterations = k_means_iterations
        self.centroids = [
            self._state(f"centroids_{number}", (count, self.z_dim), "zeros", "float32")
            for number, count in enumerate(self.cluster_counts)
        ]
        self.assignments = self._state("assignments", (examples, len(self.cluster_counts)), _unassigned, "int64")

    def default_augment(self):
        return swav_views

    def check_data(self, rows, batch_size):
        super().check_data(rows, batch_size)
        if rows is not None and rows < max(self.cluster_counts):
            raise ValueError(
                f"`cluster_counts` must be at most the rows of the data, {rows}. "
                f"Received: cluster_counts={self.cluster_counts}"
            )

    def views(self, batch, rng, training):
        """The views; to evaluate, also the picture as it is, which tells the clusters."""
        views = super().views(batch, rng, training)
        return views if training else {"views": views, "plain": _plain(batch)}

    def forward(self, views, training):
        crops = views if training else views["views"]
        z = self.project_together(crops, training)
        outputs = {"z": z, "scores": [self._scores(rows) for rows in ops.split(z, len(crops), axis=0)]}
        if not training:
            plain = self.projector(self.encode(views["plain"]), training=False)
            outputs["clusters"] = ops.stack([ops.argmax(scores, axis=1) for scores in self._scores(plain)], axis=1)
        return outputs

    def objective(self, outputs):
        clusters = outputs.get("clusters")
        if clusters is None:
            clusters = tf.gather(self.assignments.value, ops.cast(outputs["index"], "int64"))
        total = 0.0
        for scores_of_view in outputs["scores"]:
            for number, scores in enumerate(scores_of_view):
                # Of a picture that the pass before the epoch did not hold the cluster is -1: zeros, which add nothing.
                targets = ops.one_hot(clusters[:, number], scores.shape[1], dtype="float32")
                total += losses.cross_entropy(targets, scores / self.temperature)
        mean = total / (len(outputs["scores"]) * len(self.cluster_counts))
        known = ops.cast(clusters[:, 0] >= 0, "float32")
        return {"cross_entropy": (mean * ops.cast(ops.size(known), "float32"), ops.sum(known))}

    def on_epoch_start(self, dataset):
        projections, index = [], []
        for data in dataset:
            rows = batch.as_batch(data)
            checks.check_batch(self, rows)
            projections.append(self._project_at_rest(_plain(rows)).numpy())
            index.append(np.asarray(rows["index"]))
        projections, index = np.concatenate(projections), np.concatenate(index)
        if not 0 <= index.min() <= index.max() < self.examples:
            raise ValueError(
                f"`examples` must be above every `index` in the data, which go from {index.min()} to {index.max()}. "
                f"Received: examples={self.examples}"
            )
        if not np.isfinite(projections).all():
            return  # The clusters of before stay; the first step on such a picture ends the training, and says why.
        seeds = random.step_seeds(self.seed, "k_means", len(self.cluster_counts), self.clock.batches_seen.value)
        assignments = np.full(self.assignments.shape, -1)
        centroids = []
        for number, count in enumerate(self.cluster_counts):
            found, nearest = layers.spherical_k_means(projections, count, self.k_means_iterations, seeds[number])
            centroids.append(found)
            assignments[index, number] = nearest
        self._adopt([*centroids, tf.constant(assignments, "int64")])

    def default_optimizer(self):
        rate = schedules.WarmupCosine(peak=0.3, warmup_epochs=10, reference_batch_size=256, end=3e-4)
        return optimizers.LARS(rate, momentum=0.9, weight_decay=1e-6, exclude=None)

    def _scores(self, z):
        z = losses.normalize(z)
        return [ops.matmul(z, ops.transpose(ops.convert_to_tensor(centroids))) for centroids in self.centroids]

    @tf.function(reduce_retracing=True, autograph=False)
    def _project_at_rest(self, x):
        return losses.normalize(self.projector(self.encode(x), training=False))

    @tf.function(autograph=False)
    def _adopt(self, found):
        """Gives all replicas what the first one found: workers may differ in the last bit of a projection."""

        def adopt(found):
            first = ops.equal(distribution.replica_index(), 0)
            for weight, value in zip([*self.centroids, self.assignments], found, strict=True):
                weight.assign(distribution.global_sum(ops.where(first, value, ops.zeros_like(value))))

        self.distribute_strategy.run(adopt, args=(found,))

    def _state(self, name, shape, initializer, dtype):
        options = {"autocast": False, "trainable": False, "aggregation": "only_first_replica"}
        return self.add_weight(shape=shape, initializer=initializer, dtype=dtype, name=name, **options)

    def get_config(self):
        names = ("examples", "temperature", "k_means_iterations")
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **own, "cluster_counts": list(self.cluster_counts)}


def _plain(batch):
    """The pictures of a batch as they are; of given views the first."""
    return batch["x"] if "x" in batch else batch["views"][0]


def _unassigned(shape, dtype):
    return ops.full(shape, -1, dtype)
