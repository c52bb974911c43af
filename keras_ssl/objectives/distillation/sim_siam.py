"""SimSiam."""

import keras
from keras import ops

from keras_ssl import augment as augmentations
from keras_ssl import losses, optimizers, schedules
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel


@keras.saving.register_keras_serializable("keras_ssl")
class SimSiam(JointEmbeddingModel):
    """Predicts the projection of one view from the other, whose gradient is stopped; no negatives, no teacher.

    The loss is the mean of both directions of the negative cosine similarity, so it lies in [-1, 1], as in the paper,
    in solo-learn and in lightly's examples. The stopped gradient, the predictor and batch normalisation in the heads
    keep it from collapse: watch `embedding_std`, which should be near `1 / sqrt(z_dim)`. Batches of 64 to 512 work; no
    queue, no warm-up. For CIFAR-10 the paper takes two layers in the projector, weight decay 5e-4, rate .03 and no
    blur.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers, all batch-normalised; the output without scale and
            shift.
        prediction_widths: widths of the prediction head's layers, a bottleneck; the last must be that of the
            projection.
        augment: function `(x, rng) -> (view_0, view_1)`; None for the paper's, which is MoCo v2's.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If prediction and projection differ in width.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import backbones, objectives
    >>> encoder = backbones.small_image_resnet((8, 8, 3), widths=(4, 8))
    >>> model = objectives.SimSiam(encoder, projection_widths=(16, 8), prediction_widths=(4, 8))
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=4, verbose=0)
    >>> sorted(history.history)
    ['embedding_std', 'loss']

    Reference: arXiv 2011.10566. SGD with rate .05 * batch / 256, momentum .9, coupled weight decay 1e-4, cosine decay
    without warm-up (section 3); the predictor's rate does not decay (section 4.2).
    """

    terms = ("sim_siam",)
    predicts = True
    projection_options = {"normalize_output": True, "scale_output": False, "center_output": False}

    def __init__(
        self, encoder, projection_widths=(2048, 2048, 2048), prediction_widths=(512, 2048), augment=None, **kwargs
    ):
        super().__init__(encoder, projection_widths, prediction_widths, augment, **kwargs)

    def default_augment(self):
        views = augmentations.image.simclr_views
        return augmentations.Augmentation(views, strength=0.5, crop_scale=(0.2, 1.0), shuffle=True)

    def forward(self, views, training):
        # One view at a time, since each has its own batch statistics in the paper.
        projections = self.project_apart(views, training)
        return {
            "z": ops.concatenate(projections, axis=0),
            "predictions": [self.predictor(z, training=training) for z in projections],
            "targets": [ops.stop_gradient(z) for z in projections],
        }

    def objective(self, outputs):
        directions = zip(outputs["predictions"], reversed(outputs["targets"]), strict=True)
        return {"sim_siam": 0.5 * sum(losses.negative_cosine(p, z) for p, z in directions)}

    def groups(self):
        return {
            "encoder": [*self.encoder.trainable_variables, *self.projector.trainable_variables],
            "predictor": self.predictor.trainable_variables,
        }

    def default_optimizer(self):
        rates = {
            "encoder": schedules.WarmupCosine(peak=0.05, warmup_epochs=0, reference_batch_size=256),
            "predictor": schedules.StepDecay(0.05, boundaries=(), reference_batch_size=256),
        }
        return {
            name: optimizers.CoupledSGD(rate, momentum=0.9, weight_decay=1e-4, name=name)
            for name, rate in rates.items()
        }
