"""MoCo, version 2."""

import keras
from keras import ops

from keras_ssl import augment as augmentations
from keras_ssl import layers, losses, metrics, optimizers, schedules
from keras_ssl.objectives import checks
from keras_ssl.objectives.contrastive.contrast import contrast
from keras_ssl.objectives.momentum_teacher_model import MomentumTeacherModel


@keras.saving.register_keras_serializable("keras_ssl")
class MoCo(MomentumTeacherModel):
    """Tells a slowly moving teacher's projection of the other view from a long queue of such projections.

    The student's projection of the first view is the query, the teacher's of the second is its key, and the keys of
    past batches are the negatives (`losses.info_nce`). The queue stands in for a large batch: batches of 256 and fewer
    will do. It must not be longer than the data, or it holds older keys of the very pictures that are asked for; a
    longer queue wants a slower teacher. For CIFAR-10 its authors take a queue of 4,096, a momentum of .99, temperature
    .1 and rate .06 at a batch of 512. The first keys meet a queue of random directions: the loss starts low, and rises
    until the queue has gone round once.

    NOTE: The paper shuffles the rows of the keys over GPUs, for a query that shares the statistics of one small GPU
    batch with its key could be told by them. Here one set of statistics is shared by all rows, as in MoCo v3: give the
    encoder batch statistics of the global batch (`distribution.synchronize_batch_norm`). What they still tell apart
    is this batch from those in the queue, the less the larger the batch is; its authors measured 4 points of kNN on
    CIFAR-10 (800 epochs) between the two. An encoder without batch normalisation has no such leak.

    Logs `accuracy`, how often the key is nearer than all of the queue, and `teacher_momentum`.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers, without batch normalisation; None for
            `(features, 128)`.
        momentum: schedule or float in [0, 1], the teacher's momentum by step; None for .999.
        temperature: float above 0.
        queue_size: int, how many keys are negatives; from the rows of a global batch to those of an epoch.
        symmetric: bool, whether each view is both query and key, as in the authors' CIFAR-10 demo, and the loss the
            mean of both directions (there their sum; in lightly's example their mean). It costs twice the time, and
            learns as twice the epochs would.
        augment: function `(x, rng) -> (view_0, view_1)`; None for `augment.image.simclr_views` with version 2's milder
            jitter and crops.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If temperature or queue size is not positive; in `fit`, if the queue does not fit the data.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import backbones, objectives
    >>> encoder = backbones.small_image_resnet((8, 8, 3), widths=(4, 8))
    >>> model = objectives.MoCo(encoder, projection_widths=(8, 8), queue_size=8)
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=4, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'embedding_std', 'loss', 'teacher_momentum']
    >>> bool(model.queue.filled())
    True

    Reference: arXiv 1911.05722 and, for version 2, 2003.04297. SGD with rate .03 * batch / 256, momentum .9, coupled
    weight decay 1e-4, cosine decay without warm-up.
    """

    terms = ("info_nce",)
    diagnostics_names = ("accuracy", "teacher_momentum")
    projection_options = {"batch_normalization": False}

    def __init__(
        self,
        encoder,
        projection_widths=None,
        momentum=None,
        temperature=0.2,
        queue_size=65536,
        symmetric=False,
        augment=None,
        **kwargs,
    ):
        super().__init__(encoder, projection_widths, momentum=momentum, augment=augment, **kwargs)
        checks.check_positive(temperature=temperature, queue_size=queue_size)
        self.temperature = temperature
        self.queue_size = queue_size
        self.symmetric = symmetric
        self.queue = layers.FeatureQueue(queue_size, self.z_dim, seed=self.seed)

    def default_augment(self):
        views = augmentations.image.simclr_views
        return augmentations.Augmentation(views, strength=0.5, crop_scale=(0.2, 1.0), shuffle=True)

    def default_momentum(self):
        return 0.999

    def check_data(self, rows, batch_size):
        super().check_data(rows, batch_size)
        checks.check_queue(self.queue_size, rows, batch_size)

    def forward(self, views, training):
        first, second = views
        directions = [(first, second), (second, first)] if self.symmetric else [(first, second)]
        queries = self.project_apart([view for view, _ in directions], training)
        keys = [self.teach(view, training) for _, view in directions]
        return {
            "z": ops.concatenate(queries, axis=0),
            "keys": keys,
            **contrast(zip(queries, keys, strict=True), self.temperature, negatives=self.queue.features_now()),
            "teacher_momentum": self.scheduled(self.momentum),
        }

    def objective(self, outputs):
        return {"info_nce": losses.nt_xent_of_logits(outputs["logits"], outputs["partners"])}

    def diagnostics(self, outputs):
        accuracy = metrics.positive_accuracy(outputs["logits"], outputs["partners"])
        return {"accuracy": accuracy, **super().diagnostics(outputs)}

    def after_step(self, outputs, stepped):
        super().after_step(outputs, stepped)
        for keys in outputs["keys"]:
            self.queue.enqueue(keys, stepped)

    def default_optimizer(self):
        rate = schedules.WarmupCosine(peak=0.03, warmup_epochs=0, reference_batch_size=256)
        return optimizers.CoupledSGD(rate, momentum=0.9, weight_decay=1e-4)

    def get_config(self):
        return {
            **super().get_config(),
            "temperature": self.temperature,
            "queue_size": self.queue_size,
            "symmetric": self.symmetric,
        }
