"""How far a square matrix is from a diagonal one."""

from keras import ops


def off_diagonal_squares(matrix):
    """Sum of the squares of all entries that are not on the diagonal: scalar."""
    # A difference, since a mask would be one more matrix, and projections are thousands wide.
    return ops.sum(ops.square(matrix)) - ops.sum(ops.square(ops.diagonal(matrix)))
