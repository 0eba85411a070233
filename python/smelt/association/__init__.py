"""Association: sets of items that occur together, and rules between them.

Functions have the names, parameters and results that users of mlxtend know; transactions may be
lists of items, one-hot frames and arrays, or sparse matrices.
"""

from smelt.association.itemsets import (
    apriori,
    closed_itemsets,
    eclat,
    fpgrowth,
    fpmax,
    maximal_itemsets,
)
from smelt.association.rules import association_rules
from smelt.association.transaction_encoder import TransactionEncoder

__all__ = [
    "TransactionEncoder",
    "apriori",
    "association_rules",
    "closed_itemsets",
    "eclat",
    "fpgrowth",
    "fpmax",
    "maximal_itemsets",
]
