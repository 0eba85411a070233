"""Every operation of the graph against a few lines of NumPy or scikit-learn."""

import datetime
import json

import numpy as np
import pytest
import scipy.sparse as sp

from smelt import _smelt
from smelt.errors import DataError, ModelFileError

DOCUMENTS = [
    "The quick brown fox, the lazy DOG; the end.",
    None,
    "fox fox fox jumps over 42 dogs_and cats",
    "",
    "Über große Füße läuft der Fuchs — ÜBER den Hund",
    "собака и лиса: собака",
    "a b c I",
]


def text(name, values):
    blob = "".join(value or "" for value in values).encode()
    lengths = [-1 if value is None else len(value.encode()) for value in values]
    return (name, "text", blob, np.array(lengths, dtype=np.int64))


def number(name, values):
    return (name, "number", np.array(values, dtype=np.float64))


def strings(name, values):
    offsets = np.cumsum([0, *(len(value.encode()) for value in values)]).astype(np.uint32)
    blob = np.frombuffer("".join(values).encode(), dtype=np.uint8)
    return {f"{name}.offsets": offsets, f"{name}.blob": blob}


def run(nodes, columns, tensors=None, output=None):
    output = output or nodes[-1]["output"]
    result = _smelt.model.graph_run(json.dumps(nodes), tensors or {}, columns, [output])
    return result[output]


def node(op, inputs, output="out", **attributes):
    return {"op": op, "inputs": inputs, "output": output, **attributes}


def on_number(op, values, **attributes):
    nodes = [node("parse_number", ["column:a"], "a"), node(op, ["a"], **attributes)]
    return run(nodes, [number("a", values)])


def on_block(op, block, arrays=None, **attributes):
    """Run an operation on a block made of number columns."""
    block = np.asarray(block, dtype=float)
    names = [f"c{j}" for j in range(block.shape[1])]
    nodes = [node("parse_number", [f"column:{name}"], name) for name in names]
    nodes += [node("concat", names, "block"), node(op, ["block"], **attributes)]
    return run(nodes, [number(name, block[:, j]) for j, name in enumerate(names)], arrays)


def test_parse_number():
    values = ["1", " -2.5e3 ", "NA", None, "", "x", "inf", "nan", "1,5"]
    parsed = run([node("parse_number", ["column:a"], missing=["NA"])], [text("a", values)])
    np.testing.assert_array_equal(parsed, [1, -2500, *[np.nan] * 7])
    comma = run(
        [node("parse_number", ["column:a"], decimal=",")], [text("a", ["1,5", "1.5", "-,25"])]
    )
    np.testing.assert_array_equal(comma, [1.5, np.nan, -0.25])
    typed = run([node("parse_number", ["column:a"])], [number("a", [1.5, np.nan, np.inf])])
    np.testing.assert_array_equal(typed, [1.5, np.nan, np.nan])


def test_parse_number_reads_every_number_that_python_writes():
    values = np.random.default_rng(0).standard_normal(500) * 10.0 ** np.arange(-250, 250)
    parsed = run(
        [node("parse_number", ["column:a"])], [text("a", [repr(float(v)) for v in values])]
    )
    np.testing.assert_array_equal(parsed, values)


def test_parse_boolean():
    nodes = [node("parse_boolean", ["column:a"], missing=["?"], true=["yes"], false=["no"])]
    parsed = run(nodes, [text("a", ["YES", " no ", "?", None, "true", "perhaps"])])
    np.testing.assert_array_equal(parsed, [1, 0, np.nan, np.nan, 1, np.nan])
    np.testing.assert_array_equal(run(nodes, [number("a", [0, 1, 2])]), [0, 1, np.nan])


def test_parse_date_and_its_parts():
    stamps = [
        datetime.datetime(2024, 2, 29, 13, 5, 7, tzinfo=datetime.UTC),
        datetime.datetime(1969, 12, 31, 23, 59, 59, tzinfo=datetime.UTC),
        datetime.datetime(1900, 3, 1, tzinfo=datetime.UTC),
        datetime.datetime(2100, 12, 31, 0, 0, 1, tzinfo=datetime.UTC),
    ]
    parts = ["year", "quarter", "month", "day", "weekday", "weekend", "day_of_year"]
    parts += ["hour", "minute", "second", "epoch_days", "day_fraction"]
    nodes = [
        node("parse_date", ["column:t"], "seconds", formats=["%d/%m/%Y", "%Y-%m-%d %H:%M:%S"]),
        node("date_parts", ["seconds"], parts=parts),
    ]
    column = text("t", [*(f"{t:%Y-%m-%d %H:%M:%S}" for t in stamps), "no date", None])
    seconds = run(nodes, [column], output="seconds")
    np.testing.assert_array_equal(seconds, [*(t.timestamp() for t in stamps), np.nan, np.nan])
    expected = [
        [
            t.year, (t.month + 2) // 3, t.month, t.day, t.weekday(), t.weekday() >= 5,
            t.timetuple().tm_yday, t.hour, t.minute, t.second, t.timestamp() / 86400,
            (t.hour * 3600 + t.minute * 60 + t.second) / 86400,
        ]
        for t in stamps
    ]  # fmt: skip
    out = run(nodes, [column])
    np.testing.assert_array_equal(out[:4], np.array(expected, dtype=float))
    assert np.isnan(out[4:]).all()
    typed = run(nodes, [number("t", [0.5, np.nan])], output="seconds")
    np.testing.assert_array_equal(typed, [0.5, np.nan])


CATEGORY_TENSORS = strings("cat", ["red", "green", "blü"])
CATEGORY_NODE = node(
    "category_map", ["column:a"], "code", missing=["?"], tensors={"categories": "cat"}
)


def test_category_map_one_hot_and_target_mean():
    column = text("a", ["green", " blü", "pink", "?", None, "red", "red"])
    code = run([CATEGORY_NODE], [column], CATEGORY_TENSORS)
    np.testing.assert_array_equal(code, [1, 2, 3, np.nan, np.nan, 0, 0])
    slot = np.where(np.isnan(code), 4, code).astype(int)
    one_hot = run([CATEGORY_NODE, node("one_hot", ["code"], size=3)], [column], CATEGORY_TENSORS)
    np.testing.assert_array_equal(one_hot, np.eye(5)[slot])
    means = np.random.default_rng(0).random((5, 2))
    nodes = [CATEGORY_NODE, node("target_mean", ["code"], tensors={"means": "means"})]
    out = run(nodes, [column], {**CATEGORY_TENSORS, "means": means})
    np.testing.assert_array_equal(out, means[slot])


def test_categories_of_numbers_are_written_as_in_a_csv():
    nodes = [node("category_map", ["column:a"], tensors={"categories": "cat"})]
    code = run(nodes, [number("a", [3, 2.5, -0.0, 4, np.nan])], strings("cat", ["2.5", "3", "0"]))
    np.testing.assert_array_equal(code, [1, 0, 2, 3, np.nan])


def test_numbers():
    values = np.array([-1e300, -2.5, -0.0, 0.5, 3.0, np.nan])
    np.testing.assert_array_equal(on_number("impute", values, value=7.5)[-1], 7.5)
    np.testing.assert_array_equal(on_number("is_missing", values), np.isnan(values))
    np.testing.assert_array_equal(on_number("clip", values, low=-2, high=1), values.clip(-2, 1))
    np.testing.assert_array_equal(on_number("clip", values, low=None, high=1), values.clip(None, 1))
    np.testing.assert_allclose(
        on_number("signed_log", values), np.sign(values) * np.log1p(abs(values)), rtol=1e-15
    )
    np.testing.assert_array_equal(
        on_number("affine", values, scale=2.0, shift=1.0), values * 2.0 + 1.0
    )


def test_scale_and_select_columns():
    rng = np.random.default_rng(0)
    block, mean, scale = rng.random((50, 3)), rng.random(3), rng.random(3) + 0.5
    out = on_block("scale", block, {"m": mean, "s": scale}, tensors={"mean": "m", "scale": "s"})
    np.testing.assert_array_equal(out, (block - mean) / scale)
    np.testing.assert_array_equal(
        on_block("select_columns", block, columns=[2, 0, 2]), block[:, [2, 0, 2]]
    )


@pytest.mark.parametrize("sublinear", [False, True])
@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize(
    ("analyzer", "ngram_range"),
    [
        ("word", (1, 1)),
        ("word", (1, 2)),
        ("word", (2, 3)),
        ("char_wb", (2, 4)),
        ("char_wb", (5, 7)),
    ],
)
def test_tf_idf_is_scikit_learns(analyzer, ngram_range, lowercase, sublinear):
    from sklearn.feature_extraction.text import TfidfVectorizer

    documents = [document or "" for document in DOCUMENTS]
    peer = TfidfVectorizer(
        analyzer=analyzer, ngram_range=ngram_range, lowercase=lowercase, sublinear_tf=sublinear
    )
    expected = peer.fit_transform(documents)
    options = {"analyzer": analyzer, "ngram_range": ngram_range, "lowercase": lowercase}
    terms, counts = _smelt.model.count_terms(text("t", DOCUMENTS), **options)
    assert set(terms) == set(peer.vocabulary_)
    terms = peer.get_feature_names_out()
    idf = np.log((1 + len(documents)) / (1 + counts)) + 1
    order = np.argsort(np.argsort([peer.vocabulary_[term] for term in terms]))
    np.testing.assert_allclose(idf[order], peer.idf_, rtol=1e-15)
    indptr, indices, data, width = run(
        [
            node(
                "tf_idf", ["column:t"], **options, sublinear=sublinear,
                tensors={"vocabulary": "v", "idf": "idf"},
            )
        ],
        [text("t", DOCUMENTS)],
        {**strings("v", terms), "idf": peer.idf_},
    )  # fmt: skip
    out = sp.csr_array((data, indices, indptr), shape=(len(documents), width))
    np.testing.assert_allclose(out.toarray(), expected.toarray(), rtol=1e-14, atol=1e-16)


def test_text_counts():
    out = run([node("text_counts", ["column:t"])], [text("t", DOCUMENTS)])
    expected = [
        [
            len(d), len(d.split()), sum(c.isdigit() for c in d), sum(c.isupper() for c in d),
            sum(c.isascii() and c.isprintable() and not c.isalnum() and c != " " for c in d),
        ]
        for d in (document or "" for document in DOCUMENTS)
    ]  # fmt: skip
    np.testing.assert_array_equal(out, expected)


def test_concat_and_linear_sparse_equals_dense():
    rng = np.random.default_rng(0)
    documents = [" ".join(rng.choice(["ab", "cd", "ef"], 5)) for _ in range(3000)]
    numbers = rng.standard_normal(3000)
    tensors = {**strings("v", ["ab", "cd", "ef"]), "idf": np.array([1.0, 2.0, 3.0])}
    coef, intercept = rng.standard_normal((2, 4)), rng.standard_normal(2)
    tensors |= {"w": coef, "b": intercept}
    nodes = [
        node("parse_number", ["column:a"], "a"),
        node(
            "tf_idf", ["column:t"], "t", lowercase=True, analyzer="word", ngram_range=[1, 1],
            sublinear=True, tensors={"vocabulary": "v", "idf": "idf"},
        ),
        node("concat", ["a", "t"], "all"),
        node("linear", ["all"], tensors={"coef": "w", "intercept": "b"}),
    ]  # fmt: skip
    columns = [number("a", numbers), text("t", documents)]
    indptr, indices, data, width = run(nodes, columns, tensors, "all")
    X = sp.csr_array((data, indices, indptr), shape=(3000, width)).toarray()
    np.testing.assert_array_equal(X[:, 0], numbers)
    np.testing.assert_allclose(
        run(nodes, columns, tensors), X @ coef.T + intercept, rtol=1e-12, atol=1e-15
    )
    dense = on_block("linear", X, tensors, tensors={"coef": "w", "intercept": "b"})
    np.testing.assert_array_equal(run(nodes, columns, tensors), dense)


def test_link():
    from scipy.special import expit, softmax

    raw = np.random.default_rng(0).standard_normal((200, 3)) * 30
    np.testing.assert_array_equal(on_block("link", raw, kind="identity"), raw)
    np.testing.assert_allclose(on_block("link", raw, kind="exp"), np.exp(raw), rtol=1e-15)
    np.testing.assert_allclose(on_block("link", raw, kind="expm1"), np.expm1(raw), rtol=1e-15)
    np.testing.assert_allclose(
        on_block("link", raw, kind="softmax"), softmax(raw, axis=1), rtol=1e-13
    )
    proba = on_block("link", raw[:, :1], kind="sigmoid")
    np.testing.assert_allclose(proba[:, 1], expit(raw[:, 0]), rtol=1e-14)
    np.testing.assert_array_equal(proba[:, 0], 1 - proba[:, 1])
    extreme = on_block("link", [[1e4], [-1e4]], kind="sigmoid")
    np.testing.assert_array_equal(extreme, [[0, 1], [1, 0]])


def test_calibrate():
    from scipy.special import expit, log_softmax, logit, softmax

    rng = np.random.default_rng(0)
    p = rng.random(100)
    binary = np.column_stack([1 - p, p])
    platt = on_block("calibrate", binary, kind="platt", slope=0.7, intercept=-0.2)
    np.testing.assert_allclose(platt[:, 1], expit(0.7 * logit(p) - 0.2), rtol=1e-13)
    three = softmax(rng.standard_normal((100, 3)), axis=1)
    heated = on_block("calibrate", three, kind="temperature", temperature=1.7)
    np.testing.assert_allclose(heated, np.exp(log_softmax(np.log(three) / 1.7, axis=1)), rtol=1e-12)
    x, y = np.array([0.1, 0.5, 0.8]), np.array([0.05, 0.4, 0.95])
    tensors = {"x": x, "y": y}
    line = on_block("calibrate", binary, tensors, kind="isotonic", tensors={"x": "x", "y": "y"})
    np.testing.assert_allclose(line[:, 1], np.interp(p, x, y), rtol=1e-14)
    np.testing.assert_array_equal(on_block("calibrate", binary, kind="none"), binary)


def test_weighted_mean():
    rng = np.random.default_rng(0)
    block = rng.random((30, 2))
    names = ["c0", "c1"]
    nodes = [node("parse_number", [f"column:{name}"], name) for name in names]
    nodes.append(node("weighted_mean", names, weights=[3.0, 1.0]))
    out = run(nodes, [number(name, block[:, j]) for j, name in enumerate(names)])
    np.testing.assert_allclose(out[:, 0], block @ [0.75, 0.25], rtol=1e-15)


TREES = {
    "baseline": np.array([0.5]),
    "tree_offsets": np.array([0, 3, 6], dtype=np.uint32),
    "feature": np.array([0, 0, 0, 1, 0, 0], dtype=np.uint32),
    "threshold": np.array([1.5, 0, 0, 0, 0, 0]),
    "left": np.array([1, 0, 0, 1, 0, 0], dtype=np.uint32),
    "right": np.array([2, 0, 0, 2, 0, 0], dtype=np.uint32),
    "value": np.array([0.0, 1.0, 2.0, 0.0, 10.0, 20.0]),
    "missing_left": np.array([0, 0, 0, 1, 0, 0], dtype=np.uint8),
    "category_set": np.array([-1, -1, -1, 0, -1, -1], dtype=np.int32),
    "left_categories": np.array([0b1010, 0, 0, 0, 0, 0, 0, 0], dtype=np.uint32),
    "known_categories": np.array([0] * 8 + [0b1111] + [0] * 7, dtype=np.uint32),
}


def test_tree_ensemble():
    rows = [[1.5, 1], [1.6, 2], [np.nan, np.nan], [0, 7], [0, 0]]
    out = on_block("tree_ensemble", rows, TREES, tensors={name: name for name in TREES})
    np.testing.assert_array_equal(out[:, 0], [11.5, 22.5, 12.5, 11.5, 21.5])


def test_one_row_and_many_and_any_number_of_threads_give_the_same_bits():
    rng = np.random.default_rng(0)
    n = 5000
    numbers = rng.standard_normal(n)
    documents = [" ".join(rng.choice(["ab", "cd", "ef", "gh"], 6)) for _ in range(n)]
    terms = ["ab", "ab cd", "ef"]
    tensors = {
        **strings("v", terms),
        "idf": rng.random(3),
        "w": rng.random((1, 4)),
        "b": np.ones(1),
    }
    nodes = [
        node("parse_number", ["column:a"], "a"),
        node(
            "tf_idf", ["column:t"], "t", lowercase=True, analyzer="word", ngram_range=[1, 2],
            sublinear=True, tensors={"vocabulary": "v", "idf": "idf"},
        ),
        node("concat", ["a", "t"], "all"),
        node("linear", ["all"], "raw", tensors={"coef": "w", "intercept": "b"}),
        node("link", ["raw"], kind="sigmoid"),
    ]  # fmt: skip
    columns = [number("a", numbers), text("t", documents)]
    results = [
        _smelt.model.graph_run(json.dumps(nodes), tensors, columns, ["out"], n_threads)["out"]
        for n_threads in (1, 2, 7)
    ]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])
    for i in range(0, n, 500):
        one = run(
            nodes, [number("a", numbers[i : i + 1]), text("t", documents[i : i + 1])], tensors
        )
        np.testing.assert_array_equal(one[0], results[0][i])


def test_count_values():
    values, counts = _smelt.model.count_values(text("a", ["b", " a", "b ", "?", None, ""]), ["?"])
    assert values == ["a", "b"]
    np.testing.assert_array_equal(counts, [1, 2])


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("explode", ["column:a"])], "upgrade smelt"),
        ([node("parse_number", ["column:a"], version=2)], "upgrade smelt"),
        (
            [node("impute", ["later"], value=1), node("parse_number", ["column:a"], "later")],
            "later",
        ),
        ([node("impute", ["column:a"], value=1)], "takes a number, got a raw column"),
        ([node("parse_number", ["column:a"], sum=1)], "unknown field"),
        ([node("parse_number", ["column:a"]), node("parse_number", ["column:a"])], "another node"),
        ([node("parse_number", ["column:a"], decimal="'")], "decimal"),
        ([node("parse_date", ["column:a"], formats=["%Q"])], "%Q"),
        ([node("one_hot", ["column:a"], size=1 << 60)], "category code"),
        ([node("category_map", ["column:a"], tensors={"categories": "x"})], "no tensor"),
        ([node("concat", [])], "width 0"),
        ([node("link", ["column:a"], kind="cosine")], "unknown variant"),
        ("{", "cannot be read"),
        ([{"op": "impute"}], "cannot be read"),
    ],
)
def test_a_graph_that_cannot_run_is_refused(nodes, message):
    source = nodes if isinstance(nodes, str) else json.dumps(nodes)
    with pytest.raises(ModelFileError, match=message):
        _smelt.model.graph_run(source, {}, [number("a", [1.0])], [])


def test_bad_columns_are_refused():
    nodes = json.dumps([node("parse_number", ["column:a"])])
    for columns in (
        [],
        [number("b", [1.0])],
        [number("a", [1.0]), number("b", [1.0, 2.0])],
        [number("a", [1.0]), number("a", [1.0])],
        [("a", "text", b"abc", np.array([1], dtype=np.int64))],
        [("a", "text", b"\xff", np.array([1], dtype=np.int64))],
        [("a", "date", np.array([1.0]))],
    ):
        with pytest.raises(DataError):
            _smelt.model.graph_run(nodes, {}, columns, ["out"])


def test_no_rows():
    out = run([CATEGORY_NODE, node("one_hot", ["code"], size=3)], [text("a", [])], CATEGORY_TENSORS)
    assert out.shape == (0, 5)
