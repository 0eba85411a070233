"""Mutated model files: no crash, no hang, no error of another type, no memory blow-up.

Every mutation follows from its number alone, so a failure can be run again by its number.
"""

import copy
import json
import resource
import time

import numpy as np
import pytest
from example_model import ROWS, parts
from safetensors_by_hand import SIZES, read, write

from smelt import _smelt
from smelt.errors import CheckError, DataError, ModelFileError
from smelt.export.model_file import open_model, to_bytes

TYPED = (ModelFileError, CheckError, DataError)
MOST_SECONDS = 2.0
MOST_KILOBYTES = 400_000

NASTY = [
    None, True, False, 0, -1, 1, 2, 3.5, 1e308, -0.0, 255, 1 << 31, 1 << 32, 1 << 53, 1 << 63,
    1 << 64, 10**30, "", "age", "column:age", "probability", "x" * 70_000, "\ud800", "\x00", "é",
    [], {}, [[]], [None], [0], [1 << 60, 1 << 60], {"type": "array"}, "%Y%", "1e999",
]  # fmt: skip


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from places(value[index], (*path, index))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def pick(rng, items):
    return items[int(rng.integers(len(items)))]


class Mutations:
    """Ways to damage one file; each takes a random generator and returns bytes."""

    def __init__(self, data):
        self.data = data
        self.metadata, self.tensors = read(data)
        self.manifest = json.loads(self.metadata["smelt.manifest"])
        self.paths = [path for path in places(self.manifest) if path]
        self.ways = [
            getattr(self, name) for name in sorted(vars(Mutations)) if name.startswith("with_")
        ]

    def mutate(self, number):
        rng = np.random.default_rng(number)
        way = self.ways[number % len(self.ways)]
        return way.__name__, way(rng)

    def _write(self, manifest=None, tensors=None, table=None, **metadata):
        manifest = self.manifest if manifest is None else manifest
        text = manifest if isinstance(manifest, str) else json.dumps(manifest, ensure_ascii=False)
        keys = {**self.metadata, "smelt.manifest": text, **metadata}
        try:
            return write(keys, self.tensors if tensors is None else tensors, table)
        except UnicodeEncodeError:  # the hash of a lone surrogate: write the escape instead
            keys["smelt.manifest"] = json.dumps(manifest)
            return write(keys, self.tensors if tensors is None else tensors, table)

    def with_flipped_bits(self, rng):
        data = bytearray(self.data)
        for _ in range(rng.integers(1, 9)):
            data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        return bytes(data)

    def with_a_flipped_header_bit(self, rng):
        data = bytearray(self.data)
        data[rng.integers(8 + 200)] ^= 1 << rng.integers(8)
        return bytes(data)

    def with_a_cut(self, rng):
        start, end = sorted(rng.integers(len(self.data) + 1, size=2))
        return pick(rng, [self.data[:end], self.data[start:], self.data[:start] + self.data[end:]])

    def with_more_bytes(self, rng):
        return self.data + rng.bytes(int(rng.integers(1, 100)))

    def with_a_lie_about_the_header(self, rng):
        length = int.from_bytes(self.data[:8], "little")
        lies = [0, 1, length - 1, length + 1, length + 8, len(self.data), 1 << 27, 1 << 40]
        lies += [(1 << 63) - 1, (1 << 64) - 1, 100_000_000, int(rng.integers(1 << 40))]
        return pick(rng, lies).to_bytes(8, "little") + self.data[8:]

    def with_another_table(self, rng):
        table, start = [], 0
        for name, (dtype, shape, data) in self.tensors.items():
            table.append([name, dtype, list(shape), start, start + len(data)])
            start += len(data)
        for row in rng.permutation(len(table))[: rng.integers(1, 4)]:
            row = table[row]
            big = pick(rng, [-1, 0, 1, 7, 1 << 31, (1 << 63) - 1, 1 << 64, 1.5, None, "8"])
            column = int(rng.integers(1, 5))
            if column == 1:
                row[1] = pick(rng, [*SIZES, "U8", "BOOL", "F16", "BF16", "F4", "F128", "", None])
            elif column == 2:
                row[2] = pick(rng, [[], [big], [big, big], [*row[2], 1], [0], row[2][::-1]])
            else:
                row[column] = pick(rng, [big, row[7 - column], row[column] + 1, table[0][4]])
        return self._write(table=table)

    def with_another_metadata(self, rng):
        key = pick(rng, ["smelt.format", "smelt.min_reader", "smelt.sha256", "smelt.manifest"])
        value = pick(
            rng, ["", "0", "2", "-1", "1.0", "x", " 1", "99999999999999999999", "{}", "[1]"]
        )
        if key == "smelt.manifest":
            return self._write(value)
        return self._write(**{key: value})

    def with_an_edited_manifest(self, rng):
        manifest = copy.deepcopy(self.manifest)
        for _ in range(rng.integers(1, 4)):
            path = pick(rng, self.paths)
            try:
                parent = at(manifest, path[:-1])
                way = rng.integers(4)
                if way == 0:
                    del parent[path[-1]]
                elif way == 1:
                    parent[path[-1]] = copy.deepcopy(at(manifest, pick(rng, self.paths)))
                elif way == 2 and isinstance(parent, list):
                    parent.insert(path[-1], copy.deepcopy(pick(rng, parent)))
                else:
                    parent[path[-1]] = pick(rng, NASTY)
            except (KeyError, IndexError, TypeError):
                continue  # an earlier edit took the place away
        return self._write(manifest)

    def with_a_manifest_that_is_no_json(self, rng):
        text = self.metadata["smelt.manifest"]
        position = int(rng.integers(len(text)))
        piece = pick(rng, ["", "{", "]", ",", '"', "NaN", "1e999", "\\ud800", "\x00", "//", "'"])
        return self._write(text[:position] + piece + text[position + int(rng.integers(3)) :])

    def with_deep_json(self, rng):
        depth = int(pick(rng, [100, 127, 128, 129, 1000, 50_000]))
        opening, closing = pick(rng, [("[", "]"), ('{"a":', "}"), ("[{", "}]")])
        inner = opening * depth + "1" + closing * depth
        path = pick(rng, self.paths)
        manifest = copy.deepcopy(self.manifest)
        at(manifest, path[:-1])[path[-1]] = "@@"
        return self._write(json.dumps(manifest).replace('"@@"', inner))

    def with_other_numbers(self, rng):
        tensors = dict(self.tensors)
        for _ in range(rng.integers(1, 4)):
            name = pick(rng, list(tensors))
            dtype, shape, data = tensors[name]
            changed = bytearray(data)
            size = SIZES.get(dtype, 1)
            if not changed:
                continue
            start = int(rng.integers(len(changed) // size)) * size
            if dtype in ("F64", "F32"):
                value = pick(rng, [np.nan, np.inf, -np.inf, 1e300, -0.0, 5e-324, 1e38])
                kind = np.float64 if dtype == "F64" else np.float32
                with np.errstate(over="ignore"):
                    piece = kind(value).tobytes()
            else:
                value = pick(rng, [0, 1, 2, 5, 6, 127, 128, 255, (1 << 31) - 1, (1 << 32) - 1])
                piece = (int(value) & ((1 << 8 * size) - 1)).to_bytes(size, "little")
            changed[start : start + size] = piece
            tensors[name] = dtype, shape, bytes(changed)
        return self._write(tensors=tensors)

    def with_other_tensors(self, rng):
        tensors = dict(self.tensors)
        name, other = pick(rng, list(tensors)), pick(rng, list(tensors))
        way = rng.integers(4)
        if way == 0:
            del tensors[name]
        elif way == 1:
            tensors[name] = tensors[other]
        elif way == 2:
            tensors[name] = ("F64", [0], b"")
        else:
            dtype, shape, data = tensors[name]
            tensors[name] = dtype, [int(np.prod(shape)), 1], data
        return self._write(tensors=tensors)


class PipelineMutations(Mutations):
    """Ways to damage the graph too."""

    def __init__(self, data):
        super().__init__(data)
        self.ways += [self.with_another_order, self.with_a_width_bomb, self.with_other_inputs]

    def with_another_order(self, rng):
        """Nodes that read themselves, or what comes later."""
        manifest = copy.deepcopy(self.manifest)
        nodes = manifest["graph"]["nodes"]
        if rng.integers(2):
            rng.shuffle(nodes)
        else:
            node = pick(rng, nodes)
            node["inputs"] = [pick(rng, nodes)["output"] for _ in node["inputs"]]
        return self._write(manifest)

    def with_a_width_bomb(self, rng):
        """Blocks that double in width with every node, or that claim to be wide."""
        manifest = copy.deepcopy(self.manifest)
        nodes = manifest["graph"]["nodes"]
        last = pick(rng, ["dense", "all", "note.terms", "age", "mean"])
        for step in range(int(rng.integers(2, 70))):
            name = f"bomb{step}"
            nodes.append({"op": "concat", "inputs": [last, last], "output": name})
            last = name
        manifest["graph"]["output"] = pick(rng, ["probability", last])
        return self._write(manifest)

    def with_other_inputs(self, rng):
        manifest = copy.deepcopy(self.manifest)
        node = pick(rng, manifest["graph"]["nodes"])
        others = [n["output"] for n in manifest["graph"]["nodes"]] + ["column:age", "column:x", ""]
        node["inputs"] = [pick(rng, others) for _ in range(rng.integers(0, 4))]
        return self._write(manifest)


def use(data):
    """Do with a file what anyone would."""
    model = open_model(data)
    model.verify()
    model.run(ROWS)
    repr(model)


def load_estimator(data):
    from smelt.export.estimator_file import restore

    handle = _smelt.model.Model(data)
    if handle.kind != "estimator":
        return
    model = restore(json.loads(handle.manifest), handle.tensors())
    if not hasattr(model, "n_features_in_"):
        return  # a mutation took everything that was learned: a sound file, of a model not fitted
    rng = np.random.default_rng(0)
    for n_rows in (1, 3, 40):
        X = 3 * rng.standard_normal((n_rows, model.n_features_in_))
        assert model.predict(X).shape[0] == n_rows
        if hasattr(model, "predict_proba"):
            assert model.predict_proba(X).shape == (n_rows, len(model.classes_))


def attack(mutations, numbers, use):
    """Use every mutated file; return how many were accepted."""
    accepted = 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in numbers:
        name, data = mutations.mutate(number)
        start = time.perf_counter()
        try:
            use(data)
            accepted += 1
        except TYPED as error:
            assert str(error), f"mutation {number} ({name}): no message"
        except BaseException as error:
            raise AssertionError(f"mutation {number} ({name}): {error!r}") from error
        seconds = time.perf_counter() - start
        assert seconds < MOST_SECONDS, f"mutation {number} ({name}) took {seconds:.1f} s"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MOST_KILOBYTES, f"memory grew by {grown} kB"
    return accepted


@pytest.fixture(scope="module")
def pipeline():
    return PipelineMutations(to_bytes(*parts()))


def boosting(X, y):
    from smelt.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=3).fit(X, y)


def ridge(X, y):
    from smelt.linear_model import Ridge

    return Ridge().fit(X, X @ np.ones((3, 2)))


def logistic(X, y):
    from smelt.linear_model import LogisticRegression

    return LogisticRegression().fit(X, y)


@pytest.fixture(scope="module", params=[boosting, ridge, logistic])
def estimator(request):
    from smelt.export.estimator_file import describe

    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 3)), np.array(["a", "b", "c"])[rng.integers(0, 3, 60)]
    return Mutations(to_bytes(*describe(request.param(X, y))))


def test_the_files_are_sound_before(pipeline, estimator):
    use(pipeline.data)
    load_estimator(estimator.data)
    use(pipeline._write())


def test_some_mutated_pipelines(pipeline):
    assert attack(pipeline, range(600), use) < 600


def test_some_mutated_estimators(estimator):
    assert attack(estimator, range(400), load_estimator) < 400


@pytest.mark.slow
def test_many_mutated_pipelines(pipeline):
    attack(pipeline, range(1000, 17_000), use)


@pytest.mark.slow
def test_many_mutated_estimators(estimator):
    attack(estimator, range(1000, 5000), load_estimator)
