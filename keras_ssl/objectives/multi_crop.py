"""What objectives with views of several sizes have in common."""

import keras
from keras import ops


class MultiCrop:
    """Mixed into a `JointEmbeddingModel`: two large views and any number of small ones, in this order.

    Views of one size go through the encoder together; then all go through the projector together, so that its batch
    statistics are those of all views, as in the code of SwAV, DeepCluster v2 and DINO.
    """

    view_counts = (2, None)

    def views(self, batch, rng, training):
        """The views, each of a size that the encoder takes."""
        views = super().views(batch, rng, training)
        for view in views:
            self._check_size(view)
        return views

    def project_together(self, views, training):
        """Projections of all views, one view after the other: `(views * rows, z_dim)`."""
        features = ops.concatenate(self.encode_views(views, training), axis=0)
        return self.projector(features, training=training)

    def _check_size(self, view):
        for wanted, given in zip(self.encoder.inputs, keras.tree.flatten(view), strict=False):
            pairs = zip(wanted.shape[1:], given.shape[1:], strict=False)
            if any(None not in (ours, theirs) and ours != theirs for ours, theirs in pairs):
                raise ValueError(
                    f"`augment` must make views of the shape that the encoder takes, {tuple(wanted.shape[1:])}, or the "
                    "encoder must leave height and width open, as keras.Input((None, None, 3)) does. "
                    f"Received: a view of shape {tuple(given.shape[1:])}"
                )
