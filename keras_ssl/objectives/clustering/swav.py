"""SwAV."""

import keras
from keras import ops

from keras_ssl import layers, losses, optimizers, schedules
from keras_ssl.augment.image import swav_views
from keras_ssl.objectives import checks
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel


@keras.saving.register_keras_serializable("keras_ssl")
class SwAV(JointEmbeddingModel):
    """Predicts from each view of a picture to which prototypes its other, large views were assigned.

    The two large views are assigned to learned prototypes such that all prototypes share the global batch equally
    (`losses.sinkhorn`); every other view, the small ones too, has to predict that (`losses.swav`). Prototypes are unit
    vectors: they are brought back to length 1 after each update, as in the paper (`layers.Prototypes`).

    A batch should have about as many rows as there are prototypes, or more: the paper takes 4,096 for 3,000. For
    smaller batches lower `prototype_count`, or give a `queue_size` of about 15 batches (the paper: 3,840 at a batch of
    256), whose projections are then balanced along with the batch from epoch `queue_start` on.

    Views of two sizes need an encoder that leaves height and width open, `keras.Input((None, None, 3))`. For an encoder
    of one size make all views of that size: `augment=Augmentation(swav_views, global_size=28, local_count=0)`.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers.
        prototype_count: int, number of prototypes.
        temperature: float above 0, of the predictions.
        epsilon: float above 0, of the assignments: the smaller, the harder.
        sinkhorn_iterations: int, 1 or more.
        frozen_epochs: float, epochs in which the prototypes stay as they were drawn.
        queue_size: int, projections that are kept of each large view, 0 for no queue.
        queue_start: float, epochs after which the queue is used.
        augment: function `(x, rng) -> views`, the two large ones first; None for `augment.image.swav_views` as in the
            paper: two of 224 pixels, six of 96.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If an argument is out of range, a view does not fit the encoder, or the queue does not fit the data.

    Example:

    >>> import keras, numpy as np
    >>> from keras_ssl import augment, objectives
    >>> views = augment.Augmentation(augment.image.multi_crop, global_size=8, local_size=4, local_count=1)
    >>> layers = [keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()]
    >>> encoder = keras.Sequential(layers)
    >>> model = objectives.SwAV(encoder, projection_widths=(8, 8), prototype_count=4, augment=views)
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=4, verbose=0)
    >>> model.encoder.predict(pictures, verbose=0).shape
    (8, 4)

    Reference: arXiv 2006.09882. LARS on all weights with rate .3 * batch / 256, ten epochs of warm-up, cosine decay
    to a thousandth, weight decay 1e-6 (section 4.1 and appendix A).
    """

    terms = ("swav",)
    view_counts = (2, None)
    minimum_batch = 2

    def __init__(
        self,
        encoder,
        projection_widths=(2048, 128),
        prototype_count=3000,
        temperature=0.1,
        epsilon=0.05,
        sinkhorn_iterations=3,
        frozen_epochs=1,
        queue_size=0,
        queue_start=15,
        augment=None,
        **kwargs,
    ):
        super().__init__(encoder, projection_widths, augment=augment, **kwargs)
        checks.check_positive(
            prototype_count=prototype_count,
            temperature=temperature,
            epsilon=epsilon,
            sinkhorn_iterations=sinkhorn_iterations,
        )
        checks.check_not_negative(frozen_epochs=frozen_epochs, queue_size=queue_size, queue_start=queue_start)
        self.prototype_count = prototype_count
        self.temperature = temperature
        self.epsilon = epsilon
        self.sinkhorn_iterations = sinkhorn_iterations
        self.frozen_epochs = frozen_epochs
        self.queue_size = queue_size
        self.queue_start = queue_start
        self.prototypes = layers.Prototypes(self.z_dim, prototype_count)
        seeds = (self.seed, self.seed + 1) if queue_size else ()
        self.queues = [layers.FeatureQueue(queue_size, self.z_dim, seed=seed) for seed in seeds]

    def default_augment(self):
        return swav_views

    def check_data(self, rows, batch_size):
        super().check_data(rows, batch_size)
        if self.queue_size:
            checks.check_queue(self.queue_size, rows, batch_size)

    def forward(self, views, training):
        z = self.project_together(views, training)
        outputs = {"z": z, "scores": ops.split(self.prototypes(z), len(views), axis=0), "frozen": self.held()[1]}
        if self.queues:
            outputs["queue_scores"] = [self.prototypes(queue.features_now()) for queue in self.queues]
        return outputs

    def objective(self, outputs):
        scores, queue = outputs["scores"], {}
        if self.queues:
            in_use = ops.logical_and(self.queues[0].filled(), self.epochs_done() >= self.queue_start)
            queue = {"queue_scores": outputs["queue_scores"], "queue_weight": ops.cast(in_use, "float32")}
        sinkhorn = {"epsilon": self.epsilon, "iterations": self.sinkhorn_iterations}
        return {"swav": losses.swav(scores[:2], scores[2:], self.temperature, **sinkhorn, **queue)}

    def held(self):
        return self.prototypes.trainable_variables, self.epochs_done() < self.frozen_epochs

    def after_step(self, outputs, stepped):
        self.prototypes.renormalize(where=ops.logical_and(stepped, ops.logical_not(outputs["frozen"])))
        large = ops.split(outputs["z"], len(outputs["scores"]), axis=0)[:2]
        for queue, z in zip(self.queues, large, strict=False):
            queue.enqueue(z, stepped)

    def default_optimizer(self):
        rate = schedules.WarmupCosine(peak=0.3, warmup_epochs=10, reference_batch_size=256, end=3e-4)
        return optimizers.LARS(rate, momentum=0.9, weight_decay=1e-6, exclude=None)

    def get_config(self):
        names = ("prototype_count", "temperature", "epsilon", "sinkhorn_iterations")
        names += ("frozen_epochs", "queue_size", "queue_start")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
