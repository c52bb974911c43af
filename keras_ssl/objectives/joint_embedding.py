"""What objectives that compare two views of a thing have in common."""

import keras
from keras import ops

from keras_ssl.augment.image import simclr_views
from keras_ssl.objectives.base import SelfSupervisedModel


class JointEmbeddingModel(SelfSupervisedModel):
    """An objective over two views: made by `augment`, or given by the user as the tuple `views` of a batch.

    Args:
        encoder: see `SelfSupervisedModel`.
        augment: function `(x, rng) -> (view_0, view_1)`, for instance `keras_ssl.augment.Augmentation(simclr_views,
            blur=0.0)`, or a function of your own, registered with `keras.saving.register_keras_serializable` if the
            model is to be saved. None takes the paper's, for pictures.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`.
    """

    def __init__(self, encoder, augment=None, **kwargs):
        super().__init__(encoder, **kwargs)
        if augment is not None and not callable(augment):
            raise ValueError(f"`augment` must be a function of (x, rng). Received: augment={augment!r}")
        self.augment = augment if augment is not None else self.default_augment()

    def default_augment(self):
        """The paper's views, for pictures."""
        return simclr_views

    def views(self, batch, rng, training):
        """The two views: given positive pairs are final, anything else is augmented."""
        views = tuple(batch["views"]) if "views" in batch else tuple(self.augment(batch["x"], rng))
        if len(views) != 2:
            raise ValueError(f"`views` must be two for {type(self).__name__}. Received: {len(views)} views")
        return views

    def encode_together(self, views, training):
        """Features of both views in one pass, so that they share batch statistics: `(2 * rows, feature_dim)`."""
        together = keras.tree.map_structure(lambda *parts: ops.concatenate(parts, axis=0), *views)
        return self.encode(together, training)

    def get_config(self):
        return {**super().get_config(), "augment": keras.saving.serialize_keras_object(self.augment)}
