"""PyTorch as a rival: runs the graph that bench/peers/torch.mjs wrote, one thread, channels_last, batch norms folded
where they follow a convolution. One request per line on stdin, one line of JSON each as answer:
  run PRECISION           one picture; float32 or bfloat16
  output NAME FILE        writes that output of the last picture to a file, as float32 plane by plane
usage: torch_peer.py GRAPH.json HEIGHT WIDTH   (weights in GRAPH.json.bin, the picture in GRAPH.json.input)
"""
import json
import sys
import time

import numpy
import torch
import torch.nn.functional as F

EPSILON = 1e-5


def load(path):
    with open(path) as file:
        graph = json.load(file)
    blob = numpy.fromfile(path + ".bin", dtype=numpy.float32)
    constants = {}
    for name, entry in graph["constants"].items():
        if "values" in entry:
            constants[name] = entry["values"]
        else:
            count = int(numpy.prod(entry["shape"]))
            part = blob[entry["offset"] : entry["offset"] + count].reshape(entry["shape"])
            constants[name] = torch.from_numpy(part.copy())
    return graph["nodes"], graph["outputs"], constants


def fold_norms(nodes, constants):
    """Batch norms behind a convolution that nobody else reads become part of its weights."""
    makers = {node["output"]: node for node in nodes}
    readers = {}
    for node in nodes:
        for name in node["inputs"]:
            readers[name] = readers.get(name, 0) + 1
    kept = []
    for node in nodes:
        conv = makers.get(node["inputs"][0])
        if node["operator"] == "BatchNormalization" and conv and conv["operator"] == "Conv" and readers[conv["output"]] == 1:
            gamma, beta, mean, variance = (constants[name] for name in node["inputs"][1:])
            scale = gamma / torch.sqrt(variance + EPSILON)
            weight = conv["inputs"][1]
            bias = constants[conv["inputs"][2]] if len(conv["inputs"]) > 2 else torch.zeros_like(beta)
            constants[weight] = constants[weight] * scale[:, None, None, None]
            constants[weight + ".folded"] = (bias - mean) * scale + beta
            conv["inputs"] = [conv["inputs"][0], weight, weight + ".folded"]
            conv["output"] = node["output"]
            makers[node["output"]] = conv
        else:
            kept.append(node)
    return kept


def convolution(x, weight, bias, attributes):
    top, left, bottom, right = attributes["pads"]
    padding = (top, left)
    if (top, left) != (bottom, right):
        x = F.pad(x, (left, right, top, bottom))
        padding = (0, 0)
    return F.conv2d(x, weight, bias, attributes["strides"], padding, groups=attributes["group"])


def transposed(x, weight, bias):
    # The bfloat16 form of this version of PyTorch fails, so this one layer is float32.
    return F.conv_transpose2d(x.float(), weight.float(), bias.float(), stride=2).to(x.dtype)


def resized(x, attributes):
    if attributes["mode"] == "nearest":
        return F.interpolate(x, scale_factor=2, mode="nearest")
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def norm(x, gamma, beta, mean, variance):
    return F.batch_norm(x, mean, variance, gamma, beta, False, 0.0, EPSILON)


def step_of(node, constants, may_overwrite):
    """The node as a function of a table of values."""
    operator, attributes, names = node["operator"], node["attributes"], node["inputs"]
    first = names[0]
    fixed = [constants.get(name) for name in names]
    if operator == "Conv":
        return lambda v: convolution(v[first], fixed[1], fixed[2] if len(fixed) > 2 else None, attributes)
    if operator == "ConvTranspose":
        return lambda v: transposed(v[first], fixed[1], fixed[2])
    if operator == "BatchNormalization":
        return lambda v: norm(v[first], *fixed[1:])
    if operator == "Relu":
        return (lambda v: F.relu_(v[first])) if may_overwrite else (lambda v: F.relu(v[first]))
    if operator == "Add":
        return lambda v: v[first] + v[names[1]]
    if operator == "Concat":
        return lambda v: torch.cat([v[name] for name in names], 1)
    if operator == "MaxPool":
        return lambda v: F.max_pool2d(v[first], 2)
    if operator == "Resize":
        return lambda v: resized(v[first], attributes)
    if operator == "Slice":
        (top, left), (bottom, right) = fixed[1], fixed[2]
        return lambda v: v[first][:, :, top:bottom, left:right]
    if operator == "Identity":
        return lambda v: v[first]
    raise ValueError("unknown operator " + operator)


class Network:
    """The graph in one precision. Values are freed as soon as nobody reads them any more."""

    def __init__(self, nodes, outputs, constants, dtype):
        self.dtype = dtype
        self.outputs = outputs
        converted = {name: self.convert(value) for name, value in constants.items()}
        readers = {}
        for index, node in enumerate(nodes):
            for name in node["inputs"]:
                readers.setdefault(name, []).append(index)
        self.steps = []
        for index, node in enumerate(nodes):
            dying = [name for name in node["inputs"] if name and name not in converted and readers[name][-1] == index]
            run = step_of(node, converted, node["inputs"][0] in dying and node["inputs"][0] != "image")
            self.steps.append((run, node["output"], set(dying)))

    def convert(self, value):
        if not isinstance(value, torch.Tensor):
            return value
        value = value.to(self.dtype)
        return value.contiguous(memory_format=torch.channels_last) if value.dim() == 4 else value

    def __call__(self, image):
        values = {"image": self.convert(image)}
        for run, output, dying in self.steps:
            values[output] = run(values)
            for name in dying:
                del values[name]
        return {name: values[name] for name in self.outputs}


def main():
    torch.set_num_threads(1)
    path, height, width = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    nodes, outputs, constants = load(path)
    nodes = fold_norms(nodes, constants)
    networks = {}
    image = torch.from_numpy(numpy.fromfile(path + ".input", dtype=numpy.float32).reshape(1, 3, height, width))
    result = {}
    for line in sys.stdin:
        kind, *words = line.split()
        if kind == "output":
            result[words[0]].float().contiguous().numpy().tofile(words[1])
            print(json.dumps({"shape": list(result[words[0]].shape)}), flush=True)
            continue
        if words[0] not in networks:
            networks[words[0]] = Network(nodes, outputs, constants, getattr(torch, words[0]))
        with torch.inference_mode():
            wall, cpu = time.perf_counter(), time.process_time()
            result = networks[words[0]](image)
            answer = {"cpuMs": 1e3 * (time.process_time() - cpu), "wallMs": 1e3 * (time.perf_counter() - wall)}
        print(json.dumps(answer), flush=True)


main()
