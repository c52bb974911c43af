"""SupCon."""

import keras
from keras import ops

from keras_ssl import distribution, losses, optimizers, schedules
from keras_ssl.objectives.checks import check_positive
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel


@keras.saving.register_keras_serializable("keras_ssl")
class SupCon(JointEmbeddingModel):
    """Tells all views of a picture's class from all other views in the batch: contrastive learning with labels.

    Features are scaled to length 1 and projected; each projection must find the others of its class, those of all
    replicas included (`losses.supervised_contrastive`). Batches must have labels `y`, integers, one for each row: those
    of a source, or a key of the batch. A picture without another of its class in the batch has its other view as its
    only positive. It wants batches with several pictures of each class (256 and more; the paper: 6,144).

    NOTE: The paper's views are AutoAugment's; here they are SimCLR's, which it compares with.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers, without batch normalisation.
        temperature: float above 0.
        augment: function `(x, rng) -> views`, two or more; None for `augment.image.simclr_views`.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If the temperature is not positive, labels are missing or are not one integer for each row, or a
            batch has a single row, for then there is no negative.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import backbones, objectives
    >>> encoder = backbones.small_image_resnet((8, 8, 3), widths=(4, 8))
    >>> model = objectives.SupCon(encoder, projection_widths=(16, 8))
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit({"x": pictures, "y": np.arange(8) % 2}, batch_size=4, verbose=0)
    >>> sorted(history.history)
    ['embedding_std', 'loss']

    Reference: arXiv 2004.11362, eq. 2. LARS with rate .4 * batch / 256, weight decay 1e-3 and 12 epochs of warm-up, as
    in the authors' TensorFlow code for a ResNet-50 on ImageNet.
    """

    terms = ("supervised_contrastive",)
    minimum_batch = 2
    uses_labels = True
    view_counts = (2, None)
    projection_options = {"batch_normalization": False}

    def __init__(self, encoder, projection_widths=(2048, 128), temperature=0.1, augment=None, **kwargs):
        super().__init__(encoder, projection_widths, augment=augment, **kwargs)
        check_positive(temperature=temperature)
        self.temperature = temperature

    def forward(self, views, training):
        features = [losses.normalize(h) for h in self.encode_views(views, training)]
        projections = [self.projector(h, training=training) for h in features]
        return {"z": ops.cast(ops.concatenate(projections, axis=0), "float32"), "projections": projections}

    def objective(self, outputs):
        z, y = outputs["z"], outputs["y"]
        if "int" not in keras.backend.standardize_dtype(y.dtype):
            raise ValueError(f"`y` must be integers, the class of each row. Received: dtype {y.dtype}")
        y = ops.cast(y, "int64")
        y = y[:, 0] if len(y.shape) == 2 and y.shape[1] == 1 else y
        labels = ops.concatenate([y] * len(outputs["projections"]), axis=0)
        everywhere = {"candidates": distribution.gather(z), "candidate_labels": distribution.gather(labels)}
        loss = losses.supervised_contrastive(
            z, labels, self.temperature, **everywhere, offset=distribution.first_row(z)
        )
        return {"supervised_contrastive": loss}

    def default_optimizer(self):
        rate = schedules.WarmupCosine(peak=0.4, warmup_epochs=12, reference_batch_size=256)
        return optimizers.LARS(rate, momentum=0.9, weight_decay=1e-3)

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}
