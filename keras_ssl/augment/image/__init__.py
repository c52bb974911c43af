"""Views of images.

Single effects take and give batches of shape `(rows, height, width, channels)`: colour effects want floats in
`[0, 1]`, the others keep whatever range they get. The view functions (`simclr_views`, `byol_views`, `multi_crop`)
take uint8 or float pixels, convert once at each end, and give float32 in the range that came in.

All randomness comes from the `keras_ssl.random.RowDraws` that is handed in. Shapes are
static, and everything compiles under XLA.
"""

from keras_ssl.augment.image.color_jitter import color_jitter, simclr_jitter
from keras_ssl.augment.image.crop import crop_and_resize, random_resized_crop
from keras_ssl.augment.image.distort import distort
from keras_ssl.augment.image.flip import random_flip
from keras_ssl.augment.image.gaussian_blur import gaussian_blur
from keras_ssl.augment.image.grayscale import random_grayscale
from keras_ssl.augment.image.multi_crop import multi_crop
from keras_ssl.augment.image.multi_crop_views import dino_views, swav_views
from keras_ssl.augment.image.ressl_views import ressl_views
from keras_ssl.augment.image.rotation import random_rotation, rotate_quarter_turns
from keras_ssl.augment.image.solarize import random_solarize
from keras_ssl.augment.image.views import byol_views, simclr_views

__all__ = [
    "byol_views",
    "color_jitter",
    "crop_and_resize",
    "dino_views",
    "distort",
    "gaussian_blur",
    "multi_crop",
    "random_flip",
    "random_grayscale",
    "random_resized_crop",
    "random_rotation",
    "random_solarize",
    "ressl_views",
    "rotate_quarter_turns",
    "simclr_jitter",
    "simclr_views",
    "swav_views",
]
