"""The references' post-processing as a rival: Python with scikit-image, OpenCV, SciPy and Shapely, one process, one
OpenCV thread. Written from the steps of the published programs (vqdang/hover_net `models/hovernet/post_proc.py`,
choosehappy/HoverFast `utils_wsi.py` and `utils_roi.py`), with the same library calls and the same scans of the whole
tile for each instance. One request per line on stdin, one line of JSON each as answer:
  check FOLDER                        compares with the golden results in FOLDER: instance map, contours, polygons
  use FILE SIDE CLASSES REPEAT        maps of SIDE x SIDE px, repeated REPEAT x REPEAT times (file: see nuclei/maps.mjs)
  labels VARIANT FILE                 writes the instance map of the maps in use as int32; VARIANT: hovernet, hoverfast
  run VARIANT                         processes the maps in use once
"""
import gzip
import json
import sys
import time

import cv2
import numpy as np
from scipy import ndimage
from shapely.geometry import Polygon
from shapely.validation import make_valid
from skimage import measure, morphology, segmentation

cv2.setNumThreads(1)

OPENING = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
EDGE = 0.4
HOVERNET_SMALLEST_PX = 10
HOVERFAST_SMALLEST_PX = 85
HOVERFAST_SIMPLIFY = 6


def normalized(plane):
    return cv2.normalize(plane, None, alpha=0, beta=1, norm_type=cv2.NORM_MINMAX, dtype=cv2.CV_32F)


def edges(horizontal, vertical, taps):
    """Both maps' slopes as strengths of edges between nuclei, 0 to 1."""
    along_x = cv2.Sobel(normalized(horizontal), cv2.CV_64F, 1, 0, ksize=taps)
    along_y = cv2.Sobel(normalized(vertical), cv2.CV_64F, 0, 1, ksize=taps)
    return 1 - normalized(along_x), 1 - normalized(along_y)


# HoVer-Net


def hovernet_instances(probability, horizontal, vertical):
    blobs = np.array(probability >= 0.5, dtype=np.int32)
    blobs = ndimage.label(blobs)[0]
    blobs = morphology.remove_small_objects(blobs, min_size=HOVERNET_SMALLEST_PX)
    blobs[blobs > 0] = 1

    edge = np.maximum(*edges(horizontal, vertical, 21))
    edge = edge - (1 - blobs)
    edge[edge < 0] = 0
    energy = -cv2.GaussianBlur((1.0 - edge) * blobs, (3, 3), 0)

    markers = blobs - np.array(edge >= EDGE, dtype=np.int32)
    markers[markers < 0] = 0
    markers = ndimage.binary_fill_holes(markers).astype("uint8")
    markers = cv2.morphologyEx(markers, cv2.MORPH_OPEN, OPENING)
    markers = ndimage.label(markers)[0]
    markers = morphology.remove_small_objects(markers, min_size=HOVERNET_SMALLEST_PX)
    return segmentation.watershed(energy, markers=markers, mask=blobs)


def bounding_box(mask):
    rows = np.where(np.any(mask, axis=1))[0]
    columns = np.where(np.any(mask, axis=0))[0]
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def class_of(classes, instances, number, box):
    """The class of most pixels; background only when there is nothing else. And its share."""
    top, bottom, left, right = box
    own = instances[top:bottom, left:right] == number
    found = classes[top:bottom, left:right][own]
    kinds, counts = np.unique(found, return_counts=True)
    ranked = sorted(zip(kinds, counts), key=lambda pair: pair[1], reverse=True)
    kind, count = ranked[0]
    if kind == 0 and len(ranked) > 1:
        kind, count = ranked[1]
    return int(kind), float(count / (np.sum(own) + 1.0e-6))


def hovernet(maps):
    instances = hovernet_instances(maps["np"], maps["hv"][0], maps["hv"][1])
    nuclei = {}
    # Without background this loses the first nucleus, as the original does.
    for number in np.unique(instances)[1:]:
        mask = instances == number
        top, bottom, left, right = box = bounding_box(mask)
        crop = mask[top:bottom, left:right].astype(np.uint8)
        moments = cv2.moments(crop)
        contours, _ = cv2.findContours(crop, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
        contour = np.squeeze(contours[0].astype("int32"))
        if contour.ndim != 2 or contour.shape[0] < 3:
            continue
        centroid = np.array([moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]])
        nuclei[int(number)] = {
            "bbox": np.array([[top, left], [bottom, right]]),
            "centroid": centroid + (left, top),
            "contour": contour + (left, top),
            "type": None,
            "type_prob": None,
        }
        nuclei[int(number)]["box"] = box
    if maps["tp"] is not None:
        for number, nucleus in nuclei.items():
            nucleus["type"], nucleus["type_prob"] = class_of(maps["tp"], instances, number, nucleus["box"])
    return instances, nuclei


# HoverFast


def hoverfast_energy(mask, horizontal, vertical):
    along_x, along_y = edges(horizontal, vertical, 5)
    edge = np.sqrt(along_x**2 + along_y**2)
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, OPENING, iterations=2)
    edge = edge - (1 - opened)
    edge[edge < 0] = 0
    energy = -cv2.GaussianBlur((1.0 - edge) * opened, (3, 3), 0)
    markers = opened.astype(np.int32) - (edge >= EDGE)
    markers[markers < 0] = 0
    markers = ndimage.label(ndimage.binary_fill_holes(markers))[0]
    return energy, markers, opened


def repaired(ring):
    """The largest part of a polygon that crosses itself, as a ring that ends where it starts."""
    shape = make_valid(Polygon(ring))
    while shape.geom_type != "Polygon":
        shape = max(shape.geoms, key=lambda part: part.area)
    border = shape.boundary
    if border.geom_type != "LineString":
        border = max(border.geoms, key=lambda part: part.length)
    return np.array(border.coords, dtype=np.int32)


def hoverfast_feature(mask, left, top, smallest, simplify):
    pixels = mask.astype(np.uint8)
    contours, _ = cv2.findContours(pixels, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(left, top))
    contour = contours[0]
    if simplify:
        contour = cv2.approxPolyDP(contour, simplify * cv2.arcLength(contour, True) / 1000, True)
    if cv2.contourArea(contour) <= smallest:
        return None
    ring = contour[:, 0, :]
    if not Polygon(ring).is_valid:
        ring = repaired(ring)
    moments = cv2.moments(ring.reshape(-1, 1, 2))
    if moments["m00"] == 0:
        return None
    centroid = [int(moments["m10"] / moments["m00"]), int(moments["m01"] / moments["m00"])]
    closed = ring.astype(float).tolist()
    return {"ring": ring, "coordinates": [closed + closed[:1]], "centroid": centroid}


def hoverfast(maps, simplify=HOVERFAST_SIMPLIFY, smallest=HOVERFAST_SMALLEST_PX):
    mask = maps["np"] > 0.5
    if not mask.any():
        return []
    energy, markers, opened = hoverfast_energy(mask, maps["hv"][0], maps["hv"][1])
    features = []
    for region in measure.regionprops(ndimage.label(mask)[0]):
        if region.area < smallest:
            continue
        top, left, bottom, right = region.bbox
        box = np.s_[top:bottom, left:right]
        inside = markers[box] * region.image
        numbers = np.unique(inside)
        numbers = numbers[numbers > 0]
        objects = [region.image]
        if numbers.size > 1:
            parts = segmentation.watershed(energy[box], inside, mask=opened[box])
            objects = [parts == number for number in numbers]
        for one in objects:
            feature = hoverfast_feature(one, left, top, smallest, simplify)
            if feature is not None:
                features.append(feature)
    return features


def painted(features, shape):
    labels = np.zeros(shape, dtype=np.int32)
    for number, feature in enumerate(features, start=1):
        cv2.fillPoly(labels, [feature["ring"].reshape(-1, 1, 2)], number)
    return labels


# Golden results


def from_gzip(path):
    with gzip.open(path) as file:
        return json.load(file)


def check_hovernet(folder, golden, maps):
    instances, nuclei = hovernet(maps)
    if not np.array_equal(instances, golden["hovernet_inst"]):
        return "HoVer-Net's instance map differs"
    expected = from_gzip(f"{folder}/s1024_hovernet.json.gz")["nuc"]
    if len(expected) != len(nuclei):
        return f"HoVer-Net: {len(nuclei)} nuclei, expected {len(expected)}"
    for number, nucleus in nuclei.items():
        other = expected[str(number)]
        same = all(np.array_equal(nucleus[key], other[key]) for key in ("bbox", "contour"))
        if not same or not np.allclose(nucleus["centroid"], other["centroid"]):
            return f"HoVer-Net: nucleus {number} differs"
    return None


def check_hoverfast(folder, golden, maps):
    for name, simplify in (("roi", HOVERFAST_SIMPLIFY), ("roi_p0", 0)):
        features = hoverfast(maps, simplify)
        expected = from_gzip(f"{folder}/s1024_hoverfast_{name}.json.gz")
        if len(features) != len(expected):
            return f"HoverFast: {len(features)} nuclei, expected {len(expected)}"
        for number, (feature, other) in enumerate(zip(features, expected)):
            if feature["coordinates"] != other["geometry"]["coordinates"]:
                return f"HoverFast: polygon {number} differs"
        labels = golden["hoverfast_label"]
        if name == "roi" and not np.array_equal(painted(features, labels.shape), labels):
            return "HoverFast's label image differs"
    return None


def check(folder):
    golden = np.load(f"{folder}/s1024.npz")
    maps = {"np": golden["np_prob"].astype(np.float32), "hv": golden["hv"].astype(np.float32), "tp": None}
    return check_hovernet(folder, golden, maps) or check_hoverfast(folder, golden, maps)


# Requests


def load(path, side, classes, repeat):
    pixels = side * side
    values = np.fromfile(path, dtype="<f4", count=3 * pixels).reshape(3, side, side)
    values = np.tile(values, (1, repeat, repeat))
    kinds = None
    if classes:
        kinds = np.fromfile(path, dtype=np.uint8, offset=12 * pixels, count=pixels).reshape(side, side)
        kinds = np.tile(kinds, (repeat, repeat))
    return {"np": values[0].copy(), "hv": values[1:].copy(), "tp": kinds}


def labels_of(variant, maps):
    if variant == "hovernet":
        return hovernet(maps)[0].astype(np.int32)
    return painted(hoverfast(maps), maps["np"].shape)


def timed(variant, maps):
    cpu, wall = time.process_time(), time.perf_counter()
    nuclei = hovernet(maps)[1] if variant == "hovernet" else hoverfast(maps)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpuMs": 1000 * cpu, "wallMs": 1000 * wall, "nuclei": len(nuclei)}


def serve():
    maps = None
    for line in sys.stdin:
        verb, *words = line.split()
        answer = {}
        if verb == "check":
            answer = {"error": check(words[0])}
        elif verb == "use":
            maps = load(words[0], int(words[1]), int(words[2]), int(words[3]))
        elif verb == "labels":
            labels_of(words[0], maps).tofile(words[1])
        elif verb == "run":
            answer = timed(words[0], maps)
        else:
            answer = {"error": f"unknown request {verb}"}
        print(json.dumps(answer), flush=True)


serve()
