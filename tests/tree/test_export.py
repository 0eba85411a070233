"""Trees with sets of categories as text and pictures: what is written is what is predicted."""

import io
import re

import numpy as np
import pandas as pd
import pytest
import sklearn.tree

from smelt.ensemble import RandomForestRegressor
from smelt.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    export_graphviz,
    export_text,
    plot_tree,
)

WORDS = np.array(["red", "blue", "green", "pink", "grey", "dark red", 'a "quoted" one', "x > y"])
LINE = re.compile(r"^((?:\|   )*)\|--- (.*)$")


def frame(n=600, seed=0):
    rng = np.random.default_rng(seed)
    colour = pd.Categorical.from_codes(rng.integers(-1, 8, n), WORDS)
    return pd.DataFrame({"x": rng.normal(size=n), "colour": colour, "z": rng.normal(size=n)})


X = frame()
Y = np.nan_to_num(X["colour"].cat.codes) % 3 * X["x"].to_numpy() + 0.2 * X["z"].to_numpy()


def follow(text, row):
    """Return the leaf's text that the written rules lead a row to."""
    depth = 0
    for line in text.splitlines():
        bars, rule = LINE.match(line).groups()
        if len(bars) // 4 != depth:
            continue
        if " in {" in rule:
            name, named = rule.split(" in {")
            negated = name.endswith(" not")
            value = row[name.removesuffix(" not")]
            if (value in named.rstrip("}").split(", ")) == negated:
                continue
        elif " <= " in rule or " >  " in rule:
            name, sign, border = re.match(r"(\w+) (<=|> ) (.*)", rule).groups()
            if (row[name] <= float(border)) != (sign == "<="):
                continue
        else:
            return rule
        depth += 1
    raise AssertionError("the rules end nowhere")


@pytest.mark.parametrize("splitter", ["best", "random"])
def test_written_rules_predict(splitter):
    model = DecisionTreeRegressor(
        max_depth=5, categorical_features=["colour"], splitter=splitter, random_state=0
    )
    model.fit(X, Y)
    text = export_text(model, decimals=12)
    assert "colour in {" in text
    assert "colour not in {" in text
    new = frame(200, seed=1)
    new["colour"] = new["colour"].astype(object)
    new.loc[:9, "colour"] = "never seen"
    for (_, row), number in zip(new.iterrows(), model.predict(new), strict=True):
        assert float(follow(text, row)[8:-1]) == pytest.approx(number)


def test_trees_without_sets_are_scikit_learns():
    model = DecisionTreeClassifier(max_depth=3).fit(X[["x", "z"]], Y > 0)
    assert export_text(model) == sklearn.tree.export_text(model)
    assert export_graphviz(model) == sklearn.tree.export_graphviz(model)
    theirs = sklearn.tree.DecisionTreeClassifier(max_depth=3).fit(X[["x", "z"]], Y > 0)
    names, weights = ["a", "b"], {"show_weights": True, "max_depth": 1}
    assert export_text(theirs, feature_names=names, **weights) == sklearn.tree.export_text(
        theirs, feature_names=names, **weights
    )


def test_all_but_the_sets_is_as_scikit_learn_writes_it():
    """A tree none of whose cuts is a set, although they could be."""
    table = np.column_stack([X["x"], np.zeros(len(X)), X["z"]])
    plain = DecisionTreeClassifier(max_depth=3, random_state=0).fit(table, Y > 0)
    model = DecisionTreeClassifier(max_depth=3, random_state=0, categorical_features=[1])
    model.fit(table, Y > 0)
    for settings in ({}, {"feature_names": ["a", "b", "c"], "class_names": ["no", "yes"]}):
        assert export_text(model, **settings) == export_text(plain, **settings)
        assert export_graphviz(model, **settings) == export_graphviz(plain, **settings)


def test_codes_weights_classes_and_limits():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 40, (500, 1))
    y = np.where(codes[:, 0] % 2, "odd", "even")
    model = DecisionTreeClassifier(categorical_features=[0]).fit(codes, y)
    first, second = export_text(model, show_weights=True).splitlines()[::2]
    assert first.startswith("|--- feature_0 ")
    assert first.split("{")[1] == second.split("{")[1]  # in, and not in
    assert ("not in" in first) != ("not in" in second)
    assert first.count(", ") == 19
    short = export_text(model, max_categories=3, class_names=["E", "O"])
    assert "… 17 more}" in short
    assert "class: E" in short
    assert "class: O" in short


def test_graphs_and_files(tmp_path):
    model = ExtraTreeClassifier(max_depth=3, categorical_features=["colour"], random_state=1)
    model.fit(X, Y > 0)
    text = export_graphviz(model, max_categories=None, filled=True)
    assert "colour in {" in text or "colour not in {" in text
    assert 'a \\"quoted\\" one' in text
    assert "\x01" not in text
    special = export_graphviz(model, special_characters=True, max_categories=None)
    assert "a &quot;quoted&quot; one" in special
    export_graphviz(model, tmp_path / "tree.dot", max_categories=None, filled=True)
    assert (tmp_path / "tree.dot").read_text() == text
    held = io.StringIO()
    export_graphviz(model, held, max_categories=None, filled=True)
    assert held.getvalue() == text
    numbered = ExtraTreeClassifier(max_depth=3, categorical_features=[1], random_state=1)
    numbered.fit(X.assign(colour=X["colour"].cat.codes).to_numpy(), Y > 0)
    assert "x<SUB>1</SUB> " in export_graphviz(numbered, special_characters=True)


def test_pictures():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    model = DecisionTreeRegressor(max_depth=4, categorical_features=["colour"]).fit(X, Y)
    texts = [box.get_text() for box in plot_tree(model, filled=True, max_categories=2)]
    assert any(re.match(r"colour (not )?in \{[^,]*, [^,]*, … \d more\}\n", text) for text in texts)
    plain = DecisionTreeRegressor(max_depth=2).fit(X[["x", "z"]], Y)
    ours = [box.get_text() for box in plot_tree(plain)]
    assert ours == [box.get_text() for box in sklearn.tree.plot_tree(plain)]
    matplotlib.pyplot.close("all")


def test_trees_of_forests_and_bad_input():
    forest = RandomForestRegressor(3, max_depth=3, categorical_features="from_dtype").fit(X, Y)
    for tree in forest.estimators_:
        assert "in {" in export_text(tree, feature_names=list(X.columns))
    with pytest.raises(ValueError, match="feature_names must contain 3 elements, got 2"):
        export_text(tree, feature_names=["a", "b"])
    with pytest.raises(ValueError, match="not fitted"):
        export_text(DecisionTreeRegressor())
    with pytest.raises(AttributeError, match=r"smelt\.tree\.export_text"):
        sklearn.tree.export_text(tree)
