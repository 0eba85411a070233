"""A second reader and writer of the container, from the guide alone: standard library only."""

import hashlib
import json

SIZES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "I16": 2, "U16": 2}


def read(data):
    """Return the metadata, and name -> (dtype, shape, bytes) in the order of the buffer."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    buffer = data[8 + length :]
    entries = sorted(header.items(), key=lambda item: item[1]["data_offsets"])
    tensors = {}
    for name, entry in entries:
        start, end = entry["data_offsets"]
        tensors[name] = (entry["dtype"], entry["shape"], buffer[start:end])
    return metadata, tensors


def digest(manifest, table, buffer):
    """Return the hash that the metadata must hold."""
    lines = [manifest]
    for name, dtype, shape, start, end in table:
        lines.append(f"{dtype} {','.join(map(str, shape))} {start} {end} {name}")
    return hashlib.sha256(("\n".join(lines) + "\n\n").encode() + buffer).hexdigest()


def write(metadata, tensors, table=None):
    """Return the bytes of a file whose hash is right, whatever else may be wrong.

    ``table`` overrides name, dtype, shape, start and end of the tensors.
    """
    buffer = b"".join(data for _, _, data in tensors.values())
    if table is None:
        table, start = [], 0
        for name, (dtype, shape, data) in tensors.items():
            table.append((name, dtype, shape, start, start + len(data)))
            start += len(data)
    sha256 = digest(metadata["smelt.manifest"], table, buffer)
    header = {"__metadata__": {**metadata, "smelt.sha256": sha256}}
    for name, dtype, shape, start, end in table:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header, ensure_ascii=False).encode("utf-8", "surrogatepass")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + buffer
