"""A trained model as it lies in a ``.smelt`` file: raw columns in, predictions out."""

from __future__ import annotations

import html
import json
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from smelt import _smelt
from smelt.errors import CheckError, DataError, InputWarning, UsageError
from smelt.export.columns import input_columns

_TOLD = {
    "missing": "no value",
    "invalid": "a value that cannot be read, taken as missing",
    "unseen": "a category that training did not see",
    "out_of_range": "a number outside the range of the training",
}


@dataclass(frozen=True)
class Prediction:
    """What a model says about a table, and what was wrong with the table.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_classes) or (n_rows, 1)
        Probabilities, or the predicted number.
    issues : dict of dict
        Kind of issue (``missing``, ``invalid``, ``unseen``, ``out_of_range``) to column to number
        of rows.
    row_issues : dict of ndarray of shape (n_rows,)
        Kind of issue to the number of columns that have it, for each row.
    ignored : tuple of str
        Columns of the table that the model does not read.
    """

    values: np.ndarray
    issues: dict[str, dict[str, int]] = field(default_factory=dict)
    row_issues: dict[str, np.ndarray] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the issues as lines for people."""
        lines = [f"{len(self.values):,} rows predicted"]
        for kind, columns in self.issues.items():
            lines += [f"{name!r}: {n:,} rows have {_TOLD[kind]}" for name, n in columns.items()]
        if self.ignored:
            names = ", ".join(map(repr, self.ignored[:5])) + (", …" if self.ignored[5:] else "")
            lines.append(f"{len(self.ignored)} columns are not used: {names}")
        return "\n".join(lines)


class Model:
    """A trained model: reads raw columns, repairs nothing silently, predicts in Rust.

    Made by :func:`smelt.load` and :func:`smelt.train`, not by hand.  Data may be a pandas, Polars
    or Arrow frame, a dict of columns, a list of dicts (one a row) or one dict (one row).  A column
    that the model needs and the data lack is an error, further columns are ignored.

    Attributes
    ----------
    manifest : dict
        Everything that the file says about the model.
    sha256 : str
        Hash of the file's content.
    task : {"binary", "multiclass", "regression"}
        What is predicted.
    target : str
        Name of the predicted column.
    classes_ : ndarray of str, or None
        The classes, in the order of the probabilities.
    threshold : float or None
        For two classes: the second is predicted from this probability on.

    Examples
    --------
    >>> import smelt
    >>> model = smelt.load("churn.smelt")                          # doctest: +SKIP
    >>> model.predict({"age": 39, "job": "baker"})                 # doctest: +SKIP
    array(['yes'], dtype='<U3')
    """

    def __init__(self, handle: Any, data: bytes) -> None:
        self._handle = handle
        self._data = data
        self.manifest: dict[str, Any] = json.loads(handle.manifest)
        self.sha256: str = handle.sha256
        self.task: str = self.manifest["task"]
        self.target: str = str(self.manifest.get("target", ""))
        classes = self.manifest.get("classes")
        self.classes_: np.ndarray | None = np.asarray(classes, dtype=str) if classes else None
        self.threshold: float | None = self.manifest["graph"].get("threshold")

    @classmethod
    def from_bytes(cls, data: bytes) -> Model:
        """Read a model from the bytes of a model file."""
        return cls(_smelt.model.Model(data), data)

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        return Model.from_bytes, (self._data,)

    def to_bytes(self) -> bytes:
        """Return the bytes of the model file."""
        return self._data

    @property
    def schema(self) -> list[dict[str, Any]]:
        """The columns that the model reads: name, role, range, whether they are required."""
        return [dict(column) for column in self.manifest["inputs"]]

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns that the model reads."""
        return np.asarray([column["name"] for column in self.manifest["inputs"]], dtype=object)

    def run(self, data: Any, *, count: bool = True, n_jobs: int | None = None) -> Prediction:
        """Predict probabilities or values, and count what is wrong with the data.

        Parameters
        ----------
        data : frame, dict, list of dict, or list of columns
            The table.  A list of columns holds ``(name, "text", blob, lengths)`` and ``(name,
            "number", values)``, as :func:`smelt.app.table.to_columns` makes them.
        count : bool, default=True
            Whether issues are counted.
        n_jobs : int or None
            Threads at most; None means all cores.  The result is the same.

        Returns
        -------
        Prediction

        Raises
        ------
        DataError
            If a column is missing, or holds something else than in training.
        """
        columns, ignored = input_columns(data, self.manifest["inputs"])
        values, issues, rows = self._handle.predict(columns, count, n_jobs)
        return Prediction(values, issues if count else {}, rows if count else {}, ignored)

    def check(self, data: Any) -> Prediction:
        """Say what is wrong with data: ``print(model.check(data))``; predictions come along."""
        return self.run(data)

    def predict_proba(self, data: Any) -> np.ndarray:
        """Predict the probability of each class, in the order of ``classes_``."""
        if self.classes_ is None:
            raise UsageError("this model predicts a number, so it has no probabilities")
        return self._warned(self.run(data)).values

    def predict(
        self, data: Any, *, threshold: float | None = None, return_issues: bool = False
    ) -> Any:
        """Predict the class, or the number, of each row.

        Parameters
        ----------
        data : frame, dict, or list of dict
            The table.
        threshold : float, optional
            For two classes: predict the second from this probability on; by default the model's
            own :attr:`threshold`, else the more probable class.
        return_issues : bool, default=False
            Whether to return what was wrong with the data too, a :class:`Prediction`.  Without it,
            values that cannot be read are told by an :class:`~smelt.errors.InputWarning`.

        Returns
        -------
        ndarray of shape (n_rows,), or (ndarray, Prediction)
        """
        prediction = self.run(data)
        labels = self.decide(prediction.values, threshold)
        if return_issues:
            return labels, prediction
        self._warned(prediction)
        return labels

    def decide(self, values: np.ndarray, threshold: float | None = None) -> np.ndarray:
        """Turn the values of a :class:`Prediction` into classes, or numbers."""
        if threshold is not None and (self.task != "binary" or not 0 <= threshold <= 1):
            raise UsageError(
                f"a threshold is a number from 0 to 1 for a model of two classes, got {threshold}"
            )
        if self.classes_ is None:
            return values[:, 0]
        threshold = self.threshold if threshold is None else threshold
        if self.task == "binary" and threshold is not None:
            return self.classes_[(values[:, 1] >= threshold).astype(np.intp)]
        return self.classes_[values.argmax(axis=1)]

    def verify(self) -> int:
        """Predict the self-test rows anew; every bit must be as it was when the model was made.

        Returns
        -------
        int
            Number of rows.

        Raises
        ------
        CheckError
            If a bit differs, or the model has no self-test.
        """
        n_rows, differs = self._handle.verify()
        if n_rows == 0:
            raise CheckError("the model has no self-test, so there is nothing to verify")
        if differs is not None:
            raise CheckError(
                f"self-test row {differs + 1} of {n_rows} is predicted differently from when the "
                "model was made",
                hint="this is a defect of smelt on this machine; please report it",
            )
        return int(n_rows)

    def _warned(self, prediction: Prediction) -> Prediction:
        invalid = prediction.issues.get("invalid", {})
        if invalid:
            told = ", ".join(f"{name!r} ({count:,} rows)" for name, count in invalid.items())
            warnings.warn(
                f"values that cannot be read were taken as missing in {told}; model.check(data) "
                "tells more",
                InputWarning,
                stacklevel=3,
            )
        return prediction

    def _facts(self) -> list[tuple[str, str]]:
        facts = [("target", self.target), ("task", self.task)]
        if self.classes_ is not None:
            shown = ", ".join(self.classes_[:6]) + (", …" if len(self.classes_) > 6 else "")
            facts.append(("classes", shown))
        facts.append(("columns", f"{len(self.manifest['inputs'])}"))
        with suppress(KeyError, TypeError, ValueError):
            # The training record is for people: a file without it, or with another one, will do.
            training = self.manifest["training"]
            name = str(training["metric"])
            value = float(training["metrics"]["test"][name]["value"])
            facts.append((name, f"{value:.4g} (held out)"))
        facts.append(("made", f"{self.manifest.get('created')} by smelt {self.manifest['smelt']}"))
        facts.append(("sha256", f"{self.sha256[:16]}…"))
        return facts

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in self._facts()[:4])
        return f"Model({facts})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in self._facts()
        )
        return f"<table><caption>smelt model</caption>{rows}</table>"


__all__ = ["DataError", "Model", "Prediction"]
