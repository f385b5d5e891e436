"""Reading and writing safetensors files of float32 tensors, without a further dependency."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import numpy as np

DTYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I64": "<i8"}


def write_safetensors(path: Path, tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Writes float32 tensors sorted by name; the file is replaced in one step."""
    entries: dict[str, object] = {"__metadata__": metadata}
    chunks: list[bytes] = []
    offset = 0
    for name in sorted(tensors):
        data = np.ascontiguousarray(tensors[name], "<f4").tobytes()
        shape, span = list(tensors[name].shape), [offset, offset + len(data)]
        entries[name] = {"dtype": "F32", "shape": shape, "data_offsets": span}
        chunks.append(data)
        offset += len(data)
    header = json.dumps(entries, separators=(",", ":"), ensure_ascii=True).encode()
    header += b" " * (-len(header) % 8)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(struct.pack("<Q", len(header)))
        file.write(header)
        file.writelines(chunks)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_safetensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Tensors and metadata of a file that this project wrote."""
    raw = path.read_bytes()
    (length,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype = np.dtype(DTYPES[entry["dtype"]])
        data = np.frombuffer(raw, dtype, (end - begin) // dtype.itemsize, 8 + length + begin)
        tensors[name] = data.reshape(entry["shape"])
    return tensors, metadata
