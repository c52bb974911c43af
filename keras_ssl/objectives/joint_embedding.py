"""What objectives that compare views of a thing have in common."""

import keras
from keras import ops

from keras_ssl import layers
from keras_ssl.augment.image import simclr_views
from keras_ssl.objectives.base import SelfSupervisedModel
from keras_ssl.objectives.checks import check_view


class JointEmbeddingModel(SelfSupervisedModel):
    """An objective over views, projected: made by `augment`, or given by the user as the tuple `views` of a batch.

    A subclass says in class attributes what its paper's heads look like, and implements `forward` and `objective`.

    Attributes:
        view_counts: the least and the most views that it takes; the most is None where there is no bound.
            The first two are the large ones where views differ in size.
        predicts: whether there must be a prediction head.
        projection_options: keywords of `layers.ProjectionHead`.
        prediction_options: keywords of `layers.PredictionHead`.

    Args:
        encoder: see `SelfSupervisedModel`.
        projection_widths: widths of the projection head's layers; None for `(features, 128)`.
        prediction_widths: widths of the prediction head's layers, the last that of the projection; None for no such
            head.
        augment: function `(x, rng) -> views`, a tuple, for instance `keras_ssl.augment.Augmentation(simclr_views,
            blur=0.0)`, or a function of your own, registered with `keras.saving.register_keras_serializable` if the
            model is to be saved. None takes the paper's, for pictures.
        projection_options, prediction_options: dicts, what a subclass that leaves the user a choice adds to its own
            options; they are not saved: the subclass saves its argument.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`.

    Raises:
        ValueError: If prediction and projection differ in width.
    """

    view_counts = (2, 2)
    predicts = False
    projection_options = {}
    prediction_options = {}

    def __init__(
        self,
        encoder,
        projection_widths=None,
        prediction_widths=None,
        augment=None,
        *,
        projection_options=None,
        prediction_options=None,
        **kwargs,
    ):
        super().__init__(encoder, **kwargs)
        if augment is not None and not callable(augment):
            raise ValueError(f"`augment` must be a function of (x, rng). Received: augment={augment!r}")
        self.augment = augment if augment is not None else self.default_augment()
        self.projection_widths = tuple(projection_widths or (self.feature_dim, 128))
        options = {**self.projection_options, **(projection_options or {})}
        self.projector = layers.ProjectionHead(self.feature_dim, self.projection_widths, **options)
        self.z_dim = self.projector.output_dim
        self.prediction_widths = self.predictor = None
        if self.predicts and not prediction_widths:
            raise ValueError(
                f"`prediction_widths` must name at least one width, for {type(self).__name__} predicts. "
                f"Received: prediction_widths={prediction_widths}"
            )
        if prediction_widths is not None:
            self.prediction_widths = tuple(prediction_widths)
            if self.prediction_widths[-1:] != (self.z_dim,):
                raise ValueError(
                    f"`prediction_widths` must end in the projection's width, {self.z_dim}. "
                    f"Received: prediction_widths={self.prediction_widths}"
                )
            options = {**self.prediction_options, **(prediction_options or {})}
            self.predictor = layers.PredictionHead(self.z_dim, self.prediction_widths, **options)

    def default_augment(self):
        """The paper's views, for pictures."""
        return simclr_views

    def views(self, batch, rng, training):
        """The views: given positive pairs are final, anything else is augmented."""
        views = tuple(batch["views"]) if "views" in batch else tuple(self.augment(batch["x"], rng))
        least, most = self.view_counts
        if len(views) < least or (most is not None and len(views) > most):
            wanted = f"{least}" if least == most else f"at least {least}" if most is None else f"{least} to {most}"
            raise ValueError(
                f"`views` must be {wanted} in number for {type(self).__name__}. Received: {len(views)} views"
            )
        for view in views:
            check_view(view, self.encoder, made_by="views" if "views" in batch else "augment")
        return views

    def encode_views(self, views, training, encoder=None):
        """Features of each view: a list of `(rows, feature_dim)`.

        Neighbouring views of one shape go through the encoder together, so that they share batch statistics.
        """
        return self._together(views, lambda x: self.encode(x, training, encoder=encoder))

    def project(self, views, training):
        """Projections of each view, by encoder and projector: a list of `(rows, z_dim)`, as in `encode_views`."""
        return self._together(views, lambda x: self.projector(self.encode(x, training), training=training))

    def project_apart(self, views, training):
        """Projections of each view, each in a pass of its own with its own batch statistics: a list as of `project`."""
        return [self.projector(self.encode(view, training), training=training) for view in views]

    def project_together(self, views, training):
        """Projections of all views, one view after the other, by one pass of the projector: `(views * rows, z_dim)`.

        Its batch statistics are those of all views, of all sizes, as in the code of SwAV, DeepCluster v2 and DINO.
        """
        features = ops.concatenate(self.encode_views(views, training), axis=0)
        return self.projector(features, training=training)

    def _together(self, views, function):
        outputs = []
        while len(outputs) < len(views):
            rest = views[len(outputs) :]
            group = [view for view, same in zip(rest, _same_as_first(rest), strict=True) if same]
            joined = keras.tree.map_structure(lambda *parts: ops.concatenate(parts, axis=0), *group)
            outputs.extend(ops.split(function(joined), len(group), axis=0))
        return outputs

    def get_config(self):
        widths = {"projection_widths": list(self.projection_widths)}
        if self.prediction_widths is not None:
            widths["prediction_widths"] = list(self.prediction_widths)
        return {**super().get_config(), **widths, "augment": keras.saving.serialize_keras_object(self.augment)}


def _same_as_first(views):
    """For each view, whether it and all before it have the shape of the first."""
    shapes = [[tuple(leaf.shape[1:]) for leaf in keras.tree.flatten(view)] for view in views]
    return [all(other == shapes[0] for other in shapes[: index + 1]) for index in range(len(shapes))]
