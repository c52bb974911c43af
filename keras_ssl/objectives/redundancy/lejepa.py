"""LeJEPA."""

import keras
from keras import ops

from keras_ssl import distribution, losses, schedules
from keras_ssl.augment import Augmentation
from keras_ssl.augment.image import distort, multi_crop
from keras_ssl.objectives.checks import check_positive
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel


@keras.saving.register_keras_serializable("keras_ssl")
class LeJEPA(JointEmbeddingModel):
    """Makes all views of a picture alike, and the projections of each view normally distributed; nothing else.

    Each view predicts the mean of the global views (mean squared error), and the projections of each view, over the
    batches of all replicas, are tested against the standard normal distribution along random directions
    (`losses.sigreg`). There is no teacher, no stop-gradient, no predictor and no schedule but that of the rate; the
    loss itself tells how good the features are. Batches of 128 and more do.

    Logs both terms, not weighted: `prediction` and `sigreg`, which is about 1.06 for projections that are normal.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers.
        sigreg_weight: float in [0, 1], lambda in the paper: what the test weighs; the prediction weighs the rest. The
            paper advises .05, and finds .01 to .1 alike.
        slices: int, how many random directions a step draws.
        global_views: int, how many views, the first ones, make the mean that all predict; None for all of them.
        augment: function `(x, rng) -> views`, two or more; None for the paper's: `augment.image.multi_crop` with two
            global views (crops from .3 up) and six local ones (crops of .05 to .3). An encoder for pictures of any
            size gets 224 and 98 pixels as in the paper; one for pictures of one size gets all views in that size.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If the weight is out of bounds, `slices` or `global_views` is not positive, or a batch has a single
            row.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import augment, backbones, objectives
    >>> encoder = backbones.small_image_resnet((8, 8, 3), widths=(4, 8))
    >>> four = augment.Augmentation(augment.image.simclr_views, count=4)
    >>> model = objectives.LeJEPA(encoder, projection_widths=(16, 8), slices=16, global_views=None, augment=four)
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=4, verbose=0)
    >>> sorted(history.history)
    ['embedding_std', 'loss', 'prediction', 'sigreg']

    Reference: arXiv 2511.08544, algorithms 1 and 2. AdamW with rate 5e-4, warm-up, cosine decay to a thousandth, weight
    decay .05 for Vision Transformers and 5e-4 for ResNets. Projection head: the authors' library, stable-pretraining,
    which has one more linear layer, of 512, before it.
    """

    terms = ("prediction", "sigreg")
    view_counts = (2, None)
    minimum_batch = 2

    def __init__(
        self,
        encoder,
        projection_widths=(2048, 2048, 512),
        sigreg_weight=0.05,
        slices=1024,
        global_views=2,
        augment=None,
        **kwargs,
    ):
        super().__init__(encoder, projection_widths, augment=augment, **kwargs)
        if not 0 <= sigreg_weight <= 1:
            raise ValueError(f"`sigreg_weight` must be in [0, 1]. Received: sigreg_weight={sigreg_weight}")
        check_positive(slices=slices, global_views=1 if global_views is None else global_views)
        self.term_weights = {"prediction": 1.0 - sigreg_weight, "sigreg": sigreg_weight}
        self.slices = slices
        self.global_views = global_views

    def default_augment(self):
        shape = self.encoder.input_shape
        # An encoder of several inputs, or of no pictures, wants given views or an `augment` of its own.
        size = tuple(shape[1:3]) if isinstance(shape, tuple) else (None, None)
        sizes = {"global_size": 224, "local_size": 98} if None in size else {"global_size": size, "local_size": size}
        effect = Augmentation(
            distort, brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1, solarize=0.2, shuffle=True
        )
        return Augmentation(multi_crop, **sizes, global_scale=(0.3, 1.0), local_scale=(0.05, 0.3), effect=effect)

    def views(self, batch, rng, training):
        """The views, and the directions of this step, the same on all replicas."""
        directions = rng.shared("directions", self.slices).normal("coordinates", shape=(self.z_dim,))
        return {"views": super().views(batch, rng, training), "directions": directions}

    def forward(self, views, training):
        projections = [ops.cast(z, "float32") for z in self.project(views["views"], training)]
        return {
            "z": ops.concatenate(projections, axis=0),
            "projections": projections,
            "everywhere": [distribution.gather(z) for z in projections],
            "directions": views["directions"],
        }

    def objective(self, outputs):
        projections = ops.stack(outputs["projections"], axis=0)
        center = ops.mean(projections[: self.global_views], axis=0)
        tests = [losses.sigreg(z, outputs["directions"]) for z in outputs["everywhere"]]
        return {"prediction": ops.mean(ops.square(center - projections)), "sigreg": sum(tests) / len(tests)}

    def default_optimizer(self):
        return keras.optimizers.AdamW(schedules.WarmupCosine(peak=5e-4, end=5e-7), weight_decay=0.05)

    def get_config(self):
        own = {"slices": self.slices, "global_views": self.global_views, "sigreg_weight": self.term_weights["sigreg"]}
        return {**super().get_config(), **own}
