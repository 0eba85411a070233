"""What training gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from smelt.app.table.schema import DataWarning


@dataclass(frozen=True, repr=False)
class Result:
    """A trained model and how it came to be.

    Attributes
    ----------
    model : smelt.export.model_file.Model
        The model as read back from its own bytes; ``model.predict(frame)``.
    data : bytes
        The content of the model file.
    path : Path or None
        Where the file was written.
    manifest : dict
        Everything the file says of the model; the report is made from it.
    summary : str
        The outcome in words.
    warnings : list of DataWarning
        What a person should know about the data.
    seconds : float
        How long it took.
    interrupted : bool
        Whether Ctrl-C ended the search and this is the best found until then.
    """

    model: Any
    data: bytes
    path: Path | None
    manifest: dict[str, Any]
    summary: str
    warnings: list[DataWarning]
    seconds: float
    interrupted: bool = False

    @property
    def leaderboard(self) -> pl.DataFrame:
        """All models tried, the best first."""
        import polars as pl

        wanted = ("name", "family", "score", "score_std", "test_score", "weight", "n_features")
        rows = [
            {name: entry.get(name) for name in wanted}
            for entry in self.manifest["training"]["leaderboard"]
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def predict(self, data: Any, **options: Any) -> Any:
        """Predict with the model; see its own ``predict``."""
        return self.model.predict(data, **options)

    def save(self, path: str | Path) -> Path:
        """Write the model file."""
        from smelt.export.model_file import write_model

        path = Path(path)
        write_model(path, self.data)
        return path

    def __repr__(self) -> str:
        where = "" if self.path is None else f"\nmodel file: {self.path}"
        return f"{self.summary}{where}"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(repr(self))}</pre>{self.leaderboard._repr_html_()}"
