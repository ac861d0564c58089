import pytest

from videocli.media.bitmap import Box


@pytest.mark.parametrize(
    ("box", "size", "fitted"),
    [
        (Box(160, 90), (640, 360), (160, 90)),
        (Box(160, 200), (640, 360), (160, 90)),
        (Box(400, 90), (640, 360), (160, 90)),
        (Box(40, 40), (360, 640), (22, 40)),
        (Box(80, 40, pixel_shape=0.5), (100, 100), (80, 40)),
        (Box(10, 10), (10_000, 1), (10, 1)),
        (Box(10, 10), (1, 10_000), (1, 10)),
        (Box(1, 1), (640, 360), (1, 1)),
        (Box(2000, 360, max_pixels=640 * 360), (1280, 720), (640, 360)),
        (Box(2000, 1000, max_pixels=100 * 50), (200, 100), (100, 50)),
    ],
)
def test_the_largest_size_that_fits(box: Box, size: tuple[int, int], fitted: tuple[int, int]) -> None:
    assert box.fitted(*size) == fitted
