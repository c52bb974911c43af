"""What losses of two views ask of their shapes."""


def check_pair(z0, z1, least=1):
    """Refuses two views that differ in shape, are no matrices, or have fewer than `least` rows."""
    if tuple(z0.shape) != tuple(z1.shape) or len(z0.shape) != 2:
        raise ValueError(
            "`z0` and `z1` must both have the shape (batch, dim). "
            f"Received: z0.shape={tuple(z0.shape)}, z1.shape={tuple(z1.shape)}"
        )
    check_rows("z0", z0, least)


def check_rows(name, z, least):
    """Refuses what is no matrix, or has fewer than `least` rows."""
    if len(z.shape) != 2 or (z.shape[0] is not None and z.shape[0] < least):
        raise ValueError(
            f"`{name}` must have the shape (batch, dim) with {least} rows or more. "
            f"Received: {name}.shape={tuple(z.shape)}"
        )
