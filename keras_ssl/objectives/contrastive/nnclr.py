"""NNCLR."""

import keras
from keras import ops

from keras_ssl import layers, losses, metrics, optimizers, schedules
from keras_ssl.objectives import checks
from keras_ssl.objectives.contrastive.contrast import contrast
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel


@keras.saving.register_keras_serializable("keras_ssl")
class NNCLR(JointEmbeddingModel):
    """Asks for the other view of the picture whose nearest neighbour in a queue is shown, among the batch.

    Each projection is replaced by the most similar feature in a queue of past projections; that neighbour, which
    carries no gradient, must find the prediction of the other view among the predictions of all pictures, those of all
    replicas included: `(info_nce(nn_0, p_1) + info_nce(nn_1, p_0)) / 2`, as in the paper's pseudo-code and in
    solo-learn. lightly's example exchanges queries and candidates and adds negatives of the same view (NT-Xent).

    It wants large batches (256 and more; the paper: 4,096), and a queue as long as the data allows, from some
    thousands on: the neighbour is to be another picture of the same kind. After each update the projections of the
    first view enter it. Until it has gone round once, neighbours are random directions.

    Logs `accuracy`, how often the prediction for the same picture is the nearest to the neighbour.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers.
        prediction_widths: widths of the prediction head's layers; the last must be that of the projection.
        temperature: float above 0.
        queue_size: int, how many features there are to be neighbours; from the rows of a global batch to those of an
            epoch.
        augment: function `(x, rng) -> (view_0, view_1)`; None for `augment.image.simclr_views`.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If temperature or queue size is not positive, prediction and projection differ in width, or a batch
            has a single row, for then there is no negative; in `fit`, if the queue does not fit the data.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import backbones, objectives
    >>> encoder = backbones.small_image_resnet((8, 8, 3), widths=(4, 8))
    >>> model = objectives.NNCLR(encoder, projection_widths=(16, 8), prediction_widths=(16, 8), queue_size=8)
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=4, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'embedding_std', 'loss']

    Reference: arXiv 2104.14548, eq. 3 and algorithm 1. LARS with rate .3 * batch / 256, ten epochs of warm-up, cosine
    decay, weight decay 1e-6, as SimCLR.
    """

    terms = ("info_nce",)
    predicts = True
    diagnostics_names = ("accuracy",)
    minimum_batch = 2
    projection_options = {"normalize_output": True}

    def __init__(
        self,
        encoder,
        projection_widths=(2048, 2048, 256),
        prediction_widths=(4096, 256),
        temperature=0.1,
        queue_size=98304,
        augment=None,
        **kwargs,
    ):
        super().__init__(encoder, projection_widths, prediction_widths, augment, **kwargs)
        checks.check_positive(temperature=temperature, queue_size=queue_size)
        self.temperature = temperature
        self.queue_size = queue_size
        self.queue = layers.FeatureQueue(queue_size, self.z_dim, seed=self.seed)

    def check_data(self, rows, batch_size):
        super().check_data(rows, batch_size)
        checks.check_queue(self.queue_size, rows, batch_size)

    def forward(self, views, training):
        projections = self.project_apart(views, training)
        predictions = [self.predictor(z, training=training) for z in projections]
        neighbours = [self.queue.nearest(z) for z in projections]
        return {
            "z": ops.concatenate(projections, axis=0),
            "first": projections[0],
            **contrast(zip(neighbours, reversed(predictions), strict=True), self.temperature),
        }

    def objective(self, outputs):
        return {"info_nce": losses.nt_xent_of_logits(outputs["logits"], outputs["partners"])}

    def diagnostics(self, outputs):
        return {"accuracy": metrics.positive_accuracy(outputs["logits"], outputs["partners"])}

    def after_step(self, outputs, stepped):
        self.queue.enqueue(outputs["first"], stepped)

    def default_optimizer(self):
        rate = schedules.WarmupCosine(peak=0.3, warmup_epochs=10, reference_batch_size=256)
        return optimizers.LARS(rate, momentum=0.9, weight_decay=1e-6)

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature, "queue_size": self.queue_size}
