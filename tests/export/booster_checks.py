"""What a model out of a foreign file has to do, whichever library it is from."""

import json
import pickle
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone

import smelt
from smelt.errors import ModelFileError

FOLDER = Path(__file__).parent / "golden" / "boosters"
NASTY = [
    b"", b"-1", b"0", b"1", b"1.5", b"nan", b"inf", b"-inf", b"1e999", b"255", b"256",
    b"4294967296", b"9223372036854775807", b"9" * 40, b"1000000", b"x", b"\xff", b"[]", b"{}",
    b"null", b"=", b" ", b"\n", b"true", b'"', b",", b"-2147483648", b"[[[[", b"\x00",
]  # fmt: skip


def answer(model, X):
    """What the other library's ``predict`` gives: probabilities, or numbers."""
    if not hasattr(model, "classes_"):
        return model.predict(X)
    proba = model.predict_proba(X)
    return proba[:, 1] if proba.shape[1] == 2 else proba


def is_a_good_citizen(model, X, path):
    """Saved, copied and cloned, the model predicts the same bits."""
    expected = answer(model, X)
    smelt.save(model, path)
    for again in (smelt.load(path), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(answer(again, X), expected, equal_nan=True)
        assert repr(again) == repr(model)
    assert clone(model).get_params() == model.get_params()
    assert model.n_iter_ * model.n_trees_per_iteration_ == len(model.trees_["tree_offsets"]) - 1


def golden(name):
    """Rows, and what the library that wrote the file predicts for them."""
    told = json.loads((FOLDER / f"{name}.expected.json").read_text())
    rows = [[np.nan if x is None else x for x in row] for row in told["rows"]]
    return np.array(rows, dtype=float), np.array(told["prediction"])


def damaged(data, number):
    """The ``number``-th damage of a file: words, lines and bytes replaced, dropped, moved, cut."""
    rng = np.random.default_rng(number)

    def at(things):
        return int(rng.integers(len(things)))

    for _ in range(int(rng.integers(1, 4))):
        way = int(rng.integers(6))
        if way == 0:
            data = data[: at(data)]
        elif way == 1:
            place = at(data)
            data = data[:place] + bytes([int(rng.integers(256))]) + data[place + 1 :]
        elif way == 2:
            lines = data.split(b"\n")
            line = lines.pop(at(lines))
            if rng.random() < 0.5:
                lines.insert(int(rng.integers(len(lines) + 1)), line)
            data = b"\n".join(lines)
        else:  # a number or a word becomes another one
            start = place = at(data)
            while start and data[start - 1 : start].isalnum():
                start -= 1
            while place < len(data) and data[place : place + 1].isalnum():
                place += 1
            data = data[:start] + NASTY[at(NASTY)] + data[place:]
        if not data:
            break
    return data


def only_typed_errors(read, data, path, numbers, X):
    """Damaged files give ModelFileError, or a model that predicts; returns how many did."""
    sound = 0
    for number in numbers:
        path.write_bytes(damaged(data, number))
        try:
            model = read(path)
        except ModelFileError as error:
            assert str(path) in str(error), number
            continue
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert len(model.predict(X)) == len(X), number
        sound += 1
    return sound
