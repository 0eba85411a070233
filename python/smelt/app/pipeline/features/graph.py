"""Builds the graph of ops that the model file holds, and runs it in Rust.

Nothing here computes a feature: fitting finds numbers (medians, categories, weights), the graph
applies them, in training and at prediction alike.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from smelt import _smelt

RawColumns = list[tuple[Any, ...]]  # what smelt.app.table.columns.to_columns returns


def string_tensor(name: str, values: Sequence[str]) -> dict[str, np.ndarray]:
    """Return strings laid end to end as ``<name>.offsets`` and ``<name>.blob``."""
    pieces = [value.encode() for value in values]
    offsets = np.zeros(len(pieces) + 1, dtype=np.uint32)
    np.cumsum([len(piece) for piece in pieces], out=offsets[1:], dtype=np.uint32)
    return {
        f"{name}.offsets": offsets,
        f"{name}.blob": np.frombuffer(b"".join(pieces), dtype=np.uint8),
    }


class GraphBuilder:
    """Collects nodes and tensors; asking twice for the same node gives the first one's name."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.tensors: dict[str, np.ndarray] = {}
        self._known: dict[str, str] = {}
        self._taken: set[str] = set()

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        *,
        name: str,
        tensors: Mapping[str, np.ndarray] | None = None,
        strings: Mapping[str, Sequence[str]] | None = None,
        **attributes: Any,
    ) -> str:
        """Add a node and return the name of its output.

        Parameters
        ----------
        op : str
            One of the closed list.
        inputs : sequence of str
            Outputs of earlier nodes, or ``column:<name>``.
        name : str
            Wanted name of the output; a number is added when it is taken.
        tensors, strings : mapping, optional
            The op's own name of a tensor -> its values.
        **attributes
            Written into the node as they are.
        """
        arrays = {
            tensor: np.ascontiguousarray(values) for tensor, values in (tensors or {}).items()
        }
        for tensor, texts in (strings or {}).items():
            arrays |= string_tensor(tensor, texts)
        key = _fingerprint([op, list(inputs), attributes], arrays)
        if key in self._known:
            return self._known[key]
        output = self._free(name)
        node: dict[str, Any] = {"op": op, "inputs": list(inputs), "output": output, **attributes}
        self.tensors |= {f"{output}.{tensor}": values for tensor, values in arrays.items()}
        if arrays:
            node["tensors"] = {t: f"{output}.{t}" for t in (*(tensors or {}), *(strings or {}))}
        self.nodes.append(node)
        self._known[key] = output
        return output

    def extend(self, nodes: Sequence[dict[str, Any]], tensors: Mapping[str, np.ndarray]) -> None:
        """Add nodes made elsewhere; their names must be free."""
        for node in nodes:
            if self._free(node["output"]) != node["output"]:
                raise ValueError(f"the graph already has a node {node['output']!r}")
            self.nodes.append(node)
        self.tensors |= tensors

    def _free(self, name: str) -> str:
        name = name.replace(":", "_")  # "column:" is kept for raw columns
        candidate, number = name, 1
        while candidate in self._taken:
            number += 1
            candidate = f"{name}~{number}"
        self._taken.add(candidate)
        return candidate

    def fingerprint(self) -> str:
        """Return a text that is equal for graphs that compute the same."""
        return _fingerprint(self.nodes, self.tensors)

    def run(self, columns: RawColumns, outputs: Sequence[str]) -> list[Any]:
        """Run the graph over raw columns and return the wanted outputs.

        Numbers and codes come as vectors, blocks as matrices, sparse blocks as CSR.
        """
        found = _smelt.model.graph_run(json.dumps(self.nodes), self.tensors, columns, list(outputs))
        return [as_matrix(found[output]) for output in outputs]


def _fingerprint(node: list[Any], arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(json.dumps(node, sort_keys=True).encode())
    for name, values in sorted(arrays.items()):
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def as_matrix(value: Any) -> Any:
    """Turn ``(indptr, indices, data, n_cols)`` into CSR and leave arrays as they are."""
    if isinstance(value, tuple):
        indptr, indices, data, width = value
        return sp.csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, width))
    return value
