"""Network outputs to instances (the procedure published with HoVer-Net) and the usual scores."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

DISC = np.array([[0, 0, 1, 0, 0], [1] * 5, [1] * 5, [1] * 5, [0, 0, 1, 0, 0]], bool)


def sobel_taps(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Smoothing and derivative taps of the binomial Sobel operator."""

    def binomial(order: int) -> np.ndarray:
        row = np.array([1.0])
        for _ in range(order):
            row = np.convolve(row, [1.0, 1.0])
        return row

    return binomial(size - 1), np.convolve(binomial(size - 3), [-1.0, 0.0, 1.0])


def normalise(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    return np.zeros(values.shape) if high - low < 1e-12 else (values - low) / (high - low)


def edge_energy(plane: np.ndarray, axis: int, size: int = 21) -> np.ndarray:
    """High where the position map falls instead of rising along the axis: at the border of two nuclei."""
    smooth, derive = sobel_taps(size)
    out = ndimage.correlate1d(normalise(plane), derive, axis, mode="mirror")
    out = ndimage.correlate1d(out, smooth, 1 - axis, mode="mirror")
    return 1 - normalise(out)


def remove_small(labels: np.ndarray, least_px: int) -> np.ndarray:
    sizes = np.bincount(labels.ravel())
    keep = sizes >= least_px
    keep[0] = False
    return np.where(keep[labels], labels, 0)


def instances_of(probability: np.ndarray, maps: np.ndarray, threshold: float = 0.5, edge: float = 0.4) -> np.ndarray:
    """Instance map (0 = background) from nucleus probability and (horizontal, vertical) position maps."""
    blobs = remove_small(ndimage.label(probability >= threshold)[0], 10) > 0
    if not blobs.any():
        return np.zeros(blobs.shape, np.int32)
    energy = np.maximum(edge_energy(maps[0], 1), edge_energy(maps[1], 0)) - (1.0 - blobs)
    energy = np.maximum(energy, 0)
    taps = [0.25, 0.5, 0.25]
    relief = ndimage.correlate1d((1 - energy) * blobs, taps, 0, mode="mirror")
    relief = -ndimage.correlate1d(relief, taps, 1, mode="mirror")
    seeds = ndimage.binary_fill_holes(blobs & (energy < edge))
    seeds = ndimage.binary_dilation(ndimage.binary_erosion(seeds, DISC, border_value=1), DISC)
    markers = remove_small(ndimage.label(seeds)[0], 10)
    return watershed(relief, markers, mask=blobs).astype(np.int32)


def dice(truth: np.ndarray, found: np.ndarray) -> float:
    """Dice of the binarised maps; 1 if both are empty."""
    total = int((truth > 0).sum()) + int((found > 0).sum())
    return 1.0 if total == 0 else 2.0 * int(((truth > 0) & (found > 0)).sum()) / total


def panoptic(truth: np.ndarray, found: np.ndarray) -> tuple[int, int, int, float]:
    """(true positives, false positives, false negatives, sum of IoU) with the match rule IoU > 0.5."""
    width = int(found.max()) + 1
    cells = (int(truth.max()) + 1) * width
    pairs = np.bincount(truth.astype(np.int64).ravel() * width + found.ravel(), minlength=cells)
    table = pairs.reshape(-1, width)
    true_area, found_area = table.sum(1), table.sum(0)
    i, j = np.nonzero(table[1:, 1:])
    both = table[1:, 1:][i, j]
    iou = both / (true_area[i + 1] + found_area[j + 1] - both)
    matched = iou > 0.5
    hits = int(matched.sum())
    return (
        hits,
        int((found_area[1:] > 0).sum()) - hits,
        int((true_area[1:] > 0).sum()) - hits,
        float(iou[matched].sum()),
    )


def panoptic_quality(hits: int, extra: int, missed: int, iou_sum: float) -> tuple[float, float, float]:
    """(PQ, DQ, SQ)."""
    detection = hits / max(1e-9, hits + 0.5 * extra + 0.5 * missed)
    segmentation = iou_sum / max(1, hits)
    return detection * segmentation, detection, segmentation
