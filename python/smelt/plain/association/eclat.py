"""Frequent item sets depth first: each set knows the transactions that hold it."""

from smelt.plain.association.transactions import as_arrays, one_hot


def eclat_fit(indptr, indices, n_items, *, min_count, max_len, kind, max_bytes):
    table = one_hot(indptr, indices, n_items)
    # 1. frequent items, the rarest first
    counts = table.sum(axis=0)
    items = [k for k in counts.argsort(kind="stable").tolist() if counts[k] >= min_count]
    found = {}

    def search(prefix, extensions):
        # 3. each set of the class, and the class of the sets that begin with it
        for place, (item, held) in enumerate(extensions):
            chosen = (*prefix, item)
            found[tuple(sorted(chosen))] = held.sum()
            if kind == "all" and len(chosen) == max_len:
                continue
            joined = [(other, held & bits) for other, bits in extensions[place + 1 :]]
            search(chosen, [(k, bits) for k, bits in joined if bits.sum() >= min_count])

    # 2. the class of single items; the search begins
    search((), [(item, table[:, item]) for item in items])
    # 4. closed or maximal sets, 5. in order
    return as_arrays(found, max_len, kind)
