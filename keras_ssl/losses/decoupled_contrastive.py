"""The contrastive loss of DCL, whose denominator lacks the positive."""

from keras import ops

from keras_ssl.losses.cosine import normalize
from keras_ssl.losses.nt_xent import nt_xent_logits


def decoupled_contrastive(z0, z1, temperature=0.1, *, sigma=None, candidates=None, offset=0):
    """NT-Xent without the positive in its denominator, so that easy negatives do not take the gradient away.

    Formula:
        `l_i = -w_i * s_ij / T + log(sum_{k != i, k != j} exp(s_ik / T))`, `j` the other view of `i`, `s` the cosine
        similarity, over the 2N rows of both views; the loss is the mean of `l_i` over the 2N rows. `w_i = 1`, or for
        DCLW, where `sigma` is given, `w_i = 2 - exp(s_ij / sigma) / mean_j' exp(s_j' / sigma)`, the mean over the N
        positive pairs: a pair that is far apart weighs more.

    The sum under the logarithm is one, over the negatives of both views: so in the paper, whose loss is the sum over
    the 2N rows, 2N times this mean. The widely copied code of R. Nakhli has the same sum, for the rows of the first
    view only. lightly's `DCLLoss` takes two logarithms, one for each view's negatives, and adds them, which is another
    loss. solo-learn has none.

    NOTE: The weights carry no gradient, as in lightly; in R. Nakhli's code they do, and the paper does not say.

    Args:
        z0: Tensor of shape `(batch, dim)`, projections of the first views. Any float dtype; computed in float32.
        z1: Tensor of shape `(batch, dim)`, projections of the second views.
        temperature: float above 0.
        sigma: float above 0, the spread of the weights of DCLW (the paper: .5), or None for weights of 1.
        candidates: pair of Tensors of shape `(all, dim)`, projections of both views on all replicas
            (`distribution.gather(z0)`, `distribution.gather(z1)`), or None for this batch alone.
        offset: int or scalar integer tensor, index in `candidates` of this batch's first row.

    Returns:
        float32 scalar; it may be negative.

    Raises:
        ValueError: If temperature or sigma is not positive, the shapes differ, or there is no negative.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> z = np.eye(2, dtype="float32")
    >>> round(float(losses.decoupled_contrastive(z, z, temperature=1.0)), 4)  # log(2) - 1
    -0.3069

    Reference: Decoupled contrastive learning, arXiv 2110.06848, section 3: L_DC and L_DCW.
    """
    logits, positives = nt_xent_logits(z0, z1, temperature, candidates=candidates, offset=offset)
    weights = None if sigma is None else von_mises_fisher_weights(z0, z1, sigma, candidates=candidates)
    return decoupled_contrastive_of_logits(logits, positives, weights)


def decoupled_contrastive_of_logits(logits, positives, weights=None):
    """`decoupled_contrastive` of what `nt_xent_logits` gave, where the logits are wanted for more than the loss.

    Args:
        logits: Tensor of shape `(rows, columns)`.
        positives: int32 Tensor of shape `(rows,)`, the column of each row's positive.
        weights: Tensor of shape `(rows,)`, what each positive weighs, or None for 1.
    """
    at_positive = ops.take_along_axis(logits, positives[:, None], axis=1)[:, 0]
    is_positive = ops.equal(ops.arange(ops.shape(logits)[1], dtype="int32")[None, :], positives[:, None])
    negatives = ops.logsumexp(ops.where(is_positive, -1e9, logits), axis=1)
    return ops.mean(negatives - (at_positive if weights is None else weights * at_positive))


def von_mises_fisher_weights(z0, z1, sigma=0.5, *, candidates=None):
    """What each positive weighs in DCLW: above 1 where its views are farther apart than others, mean 1, no gradient.

    Args:
        z0, z1, sigma, candidates: as in `decoupled_contrastive`.

    Returns:
        float32 Tensor of shape `(2 * batch,)`, in (2 - N, 2): for the rows of `z0`, then for those of `z1`.
    """
    if not sigma > 0:
        raise ValueError(f"`sigma` must be positive. Received: sigma={sigma}")

    def closeness(first, second):
        similarity = ops.sum(normalize(first) * normalize(second), axis=1)
        return ops.stop_gradient(ops.exp((similarity - 1.0) / sigma))  # the shift cancels, and nothing overflows

    mean = ops.mean(closeness(*(candidates if candidates is not None else (z0, z1))))
    return ops.tile(2.0 - closeness(z0, z1) / mean, [2])
