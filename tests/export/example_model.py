"""A small model that uses every operation of the graph, made without training."""

import numpy as np

ROWS = [
    {"age": "39", "job": "baker", "member": "yes", "since": "2019-03-01", "note": "likes BREAD"},
    {"age": None, "job": "pilot", "member": "no", "since": "2021-12-31", "note": "flies, flies"},
    {"age": "1,5", "job": None, "member": None, "since": None, "note": None},
    {"age": "-3", "job": "smith", "member": "true", "since": "01/02/2020", "note": "iron"},
    {"age": "x", "job": "?", "member": "maybe", "since": "soon", "note": "bread and iron 123!"},
    {"age": "1e3", "job": " baker ", "member": "no", "since": "1970-01-01", "note": ""},
]


def strings(name, values):
    offsets = np.cumsum([0, *(len(value.encode()) for value in values)]).astype(np.uint32)
    blob = np.frombuffer("".join(values).encode(), dtype=np.uint8)
    return {f"{name}.offsets": offsets, f"{name}.blob": blob}


def node(op, inputs, output, **attributes):
    return {"op": op, "inputs": inputs, "output": output, **attributes}


def tree_tensors(width):
    """Two trees: a numeric split on column 0, a categorical one on column 1."""
    known = np.zeros((width, 8), dtype=np.uint32)
    known[1, 0] = 0b111
    return {
        "baseline": np.array([0.25]),
        "tree_offsets": np.array([0, 3, 6], dtype=np.uint32),
        "feature": np.array([0, 0, 0, 1, 0, 0], dtype=np.uint32),
        "threshold": np.array([30.0, 0, 0, 0, 0, 0]),
        "left": np.array([1, 0, 0, 1, 0, 0], dtype=np.uint32),
        "right": np.array([2, 0, 0, 2, 0, 0], dtype=np.uint32),
        "value": np.array([0.0, -0.5, 0.5, 0.0, 0.125, -0.25]),
        "missing_left": np.array([0, 0, 0, 1, 0, 0], dtype=np.uint8),
        "category_set": np.array([-1, -1, -1, 0, -1, -1], dtype=np.int32),
        "left_categories": np.array([[0b101, 0, 0, 0, 0, 0, 0, 0]], dtype=np.uint32),
        "known_categories": known,
    }


def parts():
    """Manifest and tensors."""
    dates = ["year", "quarter", "month", "day", "weekday", "weekend", "day_of_year", "hour"]
    dates += ["minute", "second", "epoch_days", "day_fraction"]
    n_dates = len(dates)
    # impute, is_missing, signed_log, one-hot of 3, means of 2, member, dates, counts
    n_dense = 1 + 1 + 1 + 5 + 2 + 1 + n_dates + 5
    rng = np.random.default_rng(7)
    n_all = n_dense + 3
    tensors = {
        **strings("job", ["baker", "pilot", "smith"]),
        **strings("terms", ["bread", "iron", "flies"]),
        "terms.idf": np.array([1.25, 1.5, 2.0]),
        "means": rng.random((5, 2)).round(3),
        "mean": rng.random(n_dense).round(3),
        "scale": rng.random(n_dense).round(3) + 0.5,
        "coef": (rng.standard_normal((1, n_all)) / 1000).round(5),
        "intercept": np.array([-0.125]),
        "knots.x": np.array([0.0, 0.25, 0.75, 1.0]),
        "knots.y": np.array([0.0625, 0.25, 0.625, 1.0]),
        **{f"trees.{role}": array for role, array in tree_tensors(2).items()},
    }
    nodes = [
        node("parse_number", ["column:age"], "age", missing=["NA"], decimal=",", affixes=["$"]),
        node("impute", ["age"], "age.filled", value=40.5),
        node("is_missing", ["age"], "age.missing"),
        node("clip", ["age.filled"], "age.clipped", low=0, high=100),
        node("signed_log", ["age.clipped"], "age.log"),
        node("category_map", ["column:job"], "job", missing=["?"], tensors={"categories": "job"}),
        node("one_hot", ["job"], "job.hot", size=3),
        node("target_mean", ["job"], "job.means", tensors={"means": "means"}),
        node("parse_boolean", ["column:member"], "member", true=["yes"], false=["no"]),
        node("impute", ["member"], "member.filled", value=0.5),
        node("parse_date", ["column:since"], "since", formats=["%Y-%m-%d", "%d/%m/%Y"]),
        node("impute", ["since"], "since.filled", value=1.5e9),
        node("date_parts", ["since.filled"], "since.parts", parts=dates),
        node("text_counts", ["column:note"], "note.counts"),
        node(
            "tf_idf", ["column:note"], "note.terms", lowercase=True, analyzer="word",
            ngram_range=[1, 1], sublinear=True,
            tensors={"vocabulary": "terms", "idf": "terms.idf"},
        ),
        node(
            "concat",
            [
                "age.filled", "age.missing", "age.log", "job.hot", "job.means", "member.filled",
                "since.parts", "note.counts",
            ],
            "dense",
        ),
        node("scale", ["dense"], "scaled", tensors={"mean": "mean", "scale": "scale"}),
        node("concat", ["scaled", "note.terms"], "all"),
        node("linear", ["all"], "raw", tensors={"coef": "coef", "intercept": "intercept"}),
        node("link", ["raw"], "linear", kind="sigmoid"),
        node("calibrate", ["linear"], "linear.heated", kind="temperature", temperature=1.5),
        node("concat", ["age", "job"], "codes"),
        node("select_columns", ["codes"], "codes.chosen", columns=[0, 1]),
        node(
            "tree_ensemble", ["codes.chosen"], "trees.raw",
            tensors={role: f"trees.{role}" for role in tree_tensors(2)},
        ),
        node("affine", ["trees.raw"], "trees.scaled", scale=2.0, shift=0.25),
        node("link", ["trees.scaled"], "trees", kind="sigmoid"),
        node("calibrate", ["trees"], "trees.platt", kind="platt", slope=0.75, intercept=0.125),
        node("weighted_mean", ["linear.heated", "trees.platt"], "mean", weights=[0.25, 0.75]),
        node(
            "calibrate", ["mean"], "probability", kind="isotonic",
            tensors={"x": "knots.x", "y": "knots.y"},
        ),
    ]  # fmt: skip
    inputs = [
        {"name": "age", "role": "number", "range": [0, 99], "required": True},
        {"name": "job", "role": "category", "required": True},
        {"name": "member", "role": "boolean", "required": True},
        {"name": "since", "role": "datetime", "required": True},
        {"name": "note", "role": "text", "required": False},
    ]
    manifest = {
        "kind": "pipeline",
        "created": "2026-11-22T12:00:00Z",
        "task": "binary",
        "target": "buys",
        "classes": ["no", "yes"],
        "inputs": inputs,
        "graph": {"nodes": nodes, "output": "probability", "threshold": 0.5},
        "selftest": {"rows": ROWS},
        "training": {"metric": "auc", "metrics": {"test": {"auc": {"value": 0.75}}}},
    }
    return manifest, tensors
