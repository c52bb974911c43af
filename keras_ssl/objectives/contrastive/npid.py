"""Instance discrimination with a memory bank."""

import keras
from keras import ops

from keras_ssl import augment as augmentations
from keras_ssl import distribution, layers, losses, optimizers, schedules
from keras_ssl.objectives.checks import check_below_one, check_not_negative, check_positive
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel


@keras.saving.register_keras_serializable("keras_ssl")
class NPID(JointEmbeddingModel):
    """Tells each example of the data from all others, by what a memory bank remembers of them.

    One view of each picture is projected and compared to what was remembered of the same picture and of `negatives`
    others, drawn from the whole data, by noise-contrastive estimation (`losses.nce`). Then the bank remembers the new
    projection. The softmax's normaliser is estimated from the first batch and constant from then on, unless
    `normalizer_momentum` lets it follow.

    It needs the number of each row: a source of `keras_ssl.data`, or batches that are dicts with `x` and `index`. Small
    batches will do, no warm-up; but each example is seen once in an epoch, so it wants many epochs. It can be evaluated
    on the examples that it was trained on only, since no others are remembered. The loss may rise as long as the bank
    fills with real projections, more alike than the random directions that it holds at first and that the normaliser
    is of. On a million pictures that takes thousands of updates, in which projections part; on some hundred it is over
    after a few, and the gradient may grow a hundredfold, as with the paper's code. Where the loss goes on rising and
    `embedding_std` falls, all projections run away from what is remembered together: let the normaliser follow
    (`normalizer_momentum=0.9`), and take a lower rate, a higher temperature, or a `proximal_weight`. Data of some
    thousand small pictures want all of that: a temperature of .2 to .5, and Adam.

    NOTE: One set of negatives is drawn for a batch, where the paper draws one for each row. The expected loss is the
    same, and comparing is one product of matrices instead of a gather of `batch * negatives` vectors.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        examples: int, the number of rows in the data; `index` is below it.
        projection_widths: widths of the projection head's layers.
        temperature: float above 0.
        negatives: int, how many examples are drawn for each batch, with repetition.
        bank_momentum: float in [0, 1), the share of the old vector in what is remembered.
        normalizer_momentum: float in [0, 1], the share of the old normaliser in the new one, moved towards each batch's
            estimate. 1 is the paper's: that of the first batch stays. Later work takes .99.
        proximal_weight: float, 0 or more, the paper's lambda. NOTE: its figure 3 varies it and its text names none that
            it settles on; its code leaves the term out, which is the default here.
        augment: function `(x, rng) -> (view,)`; None for crops, flips, grey and jitter as in the paper.
            NOTE: The paper's code turns hues by up to .4; the default here by up to .1, as in later work.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If a number is out of range; in `fit`, if an epoch has more rows than `examples`, or batches have no
            `index`.
        tensorflow.errors.InvalidArgumentError: In `fit` without XLA, if an index is not in `[0, examples)`.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import backbones, objectives
    >>> encoder = backbones.small_image_resnet((8, 8, 3), widths=(4, 8))
    >>> model = objectives.NPID(encoder, examples=8, projection_widths=(4,), negatives=16)
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit({"x": pictures, "index": np.arange(8)}, batch_size=4, verbose=0)
    >>> sorted(history.history)
    ['embedding_std', 'loss']
    >>> bool(model.normalizer > 0)
    True

    Reference: arXiv 1805.01978. SGD with rate .03 at a batch of 256, a tenth of it after 120 of 200 epochs and a
    hundredth after 160, momentum .9, coupled weight decay 1e-4 (section 4 and code).
    """

    terms = ("nce",)
    uses_index = True
    view_counts = (1, 1)

    def __init__(
        self,
        encoder,
        examples,
        projection_widths=(128,),
        temperature=0.07,
        negatives=4096,
        bank_momentum=0.5,
        normalizer_momentum=1.0,
        proximal_weight=0.0,
        augment=None,
        **kwargs,
    ):
        super().__init__(encoder, projection_widths, augment=augment, **kwargs)
        check_positive(examples=examples, temperature=temperature, negatives=negatives)
        check_below_one(bank_momentum=bank_momentum)
        if not 0 <= normalizer_momentum <= 1:
            raise ValueError(f"`normalizer_momentum` must be in [0, 1]. Received: {normalizer_momentum=}")
        check_not_negative(proximal_weight=proximal_weight)
        self.examples = examples
        self.temperature = temperature
        self.negatives = negatives
        self.bank_momentum = bank_momentum
        self.normalizer_momentum = normalizer_momentum
        self.proximal_weight = proximal_weight
        self.bank = layers.MemoryBank(examples, self.z_dim, bank_momentum, seed=self.seed)
        # 0 until the first update.
        self.normalizer = self.add_weight(
            shape=(), dtype="float32", initializer="zeros", trainable=False, autocast=False, name="normalizer"
        )

    def default_augment(self):
        views = augmentations.image.simclr_views
        return augmentations.Augmentation(
            views, strength=0.5, crop_scale=(0.2, 1.0), jitter=1.0, blur=0.0, shuffle=True, count=1
        )

    def check_data(self, rows, batch_size):
        super().check_data(rows, batch_size)
        # The last batch of an epoch may be smaller, so that up to a batch of these rows are not there.
        if rows is not None and rows - batch_size >= self.examples:
            raise ValueError(
                f"`examples` must be the number of rows in the data, {rows}. Received: examples={self.examples}"
            )

    def views(self, batch, rng, training):
        (view,) = super().views(batch, rng, training)
        drawn = rng.shared("negatives", self.negatives).integers("index", 0, self.examples)
        return {"x": view, "index": batch["index"], "negatives": drawn}

    def forward(self, views, training):
        z = self.projector(self.encode(views["x"], training), training=training)
        negatives = self.bank.lookup(views["negatives"])
        estimate = losses.nce_normalizer(z, negatives, self.examples, self.temperature)
        estimate = distribution.global_mean(estimate)
        known = ops.convert_to_tensor(self.normalizer)
        return {
            "z": z,
            "positives": self.bank.lookup(views["index"]),
            "negatives": negatives,
            "normalizer": ops.where(known > 0, known, estimate),
            "estimate": estimate,
        }

    def objective(self, outputs):
        tensors = (outputs[name] for name in ("z", "positives", "negatives", "normalizer"))
        return {"nce": losses.nce(*tensors, self.examples, self.temperature, self.proximal_weight)}

    def after_step(self, outputs, stepped):
        self.bank.update(outputs["index"], outputs["z"], stepped)
        known = ops.convert_to_tensor(self.normalizer)
        # Written as a difference, so that what is to stay does so to the bit.
        used, estimate = outputs["normalizer"], outputs["estimate"]
        moved = used + (1.0 - self.normalizer_momentum) * (estimate - used)
        self.normalizer.assign(ops.where(stepped, moved, known))

    def default_optimizer(self):
        rate = schedules.StepDecay(0.03, boundaries=(0.6, 0.8))
        return optimizers.CoupledSGD(rate, momentum=0.9, weight_decay=1e-4)

    def get_config(self):
        return {
            **super().get_config(),
            "examples": self.examples,
            "temperature": self.temperature,
            "negatives": self.negatives,
            "bank_momentum": self.bank_momentum,
            "normalizer_momentum": self.normalizer_momentum,
            "proximal_weight": self.proximal_weight,
        }
