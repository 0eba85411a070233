"""One-hot columns of lists of items."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from smelt._kernel import kernel


class TransactionEncoder(TransformerMixin, BaseEstimator):
    """Turns lists of items into one boolean column an item.

    The functions of :mod:`smelt.association` take lists as they are; this is for those who want the
    columns.

    Attributes
    ----------
    columns_ : list
        Items, in ascending order where they can be compared, else in order of appearance.
    columns_mapping_ : dict
        Item -> position of its column.

    Examples
    --------
    >>> from smelt.association import TransactionEncoder
    >>> encoder = TransactionEncoder()
    >>> encoder.fit_transform([["milk", "bread"], ["eggs"]])
    array([[ True, False,  True],
           [False,  True, False]])
    >>> encoder.columns_
    ['bread', 'eggs', 'milk']
    """

    columns_: list[Any]
    columns_mapping_: dict[Any, int]

    def fit(self, X: Any, y: Any = None) -> TransactionEncoder:
        """Learn the items.

        Parameters
        ----------
        X : list of lists
            Transactions.
        y : None
            Ignored.

        Returns
        -------
        TransactionEncoder
            The encoder itself.
        """
        _, _, items = kernel("association.read_transactions")(X)
        try:
            items = sorted(items)
        except TypeError:  # items of several kinds stay as they came
            items = list(items)
        self.columns_ = items
        self.columns_mapping_ = {item: column for column, item in enumerate(items)}
        return self

    def transform(self, X: Any, sparse: bool = False) -> Any:
        """Return one-hot columns.

        Parameters
        ----------
        X : list of lists
            Transactions of items that were there in ``fit``.
        sparse : bool, default=False
            Whether to return a CSR matrix.

        Returns
        -------
        ndarray or csr_matrix of shape (n_transactions, n_items)
            True where the transaction holds the item.
        """
        check_is_fitted(self, "columns_")
        indptr, indices, items = kernel("association.read_transactions")(X)
        unknown = [item for item in items if item not in self.columns_mapping_]
        if unknown:
            raise KeyError(f"{unknown[0]!r} was not among the items in fit")
        places = np.array([self.columns_mapping_[item] for item in items], dtype=np.int32)
        indices = places[indices] if len(indices) else indices
        shape = (len(indptr) - 1, len(self.columns_))
        found = sp.csr_matrix((np.ones(len(indices), dtype=bool), indices, indptr), shape=shape)
        found.sort_indices()
        return found if sparse else found.toarray()

    def inverse_transform(self, array: Any) -> list[list[Any]]:
        """Return the items of each row.

        Parameters
        ----------
        array : array-like or sparse matrix of shape (n_transactions, n_items)
            One-hot columns.

        Returns
        -------
        list of lists
            Transactions.
        """
        check_is_fitted(self, "columns_")
        rows = sp.csr_matrix(array)
        items = [self.columns_[column] for column in rows.indices]
        return [items[a:b] for a, b in zip(rows.indptr[:-1], rows.indptr[1:], strict=True)]

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the items as texts.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str
            Names of the columns.
        """
        check_is_fitted(self, "columns_")
        return np.array([str(item) for item in self.columns_], dtype=object)
