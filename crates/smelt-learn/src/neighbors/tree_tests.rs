//! Trees beside a look at every row.

use proptest::prelude::*;
use smelt_core::parallel::with_threads;
use smelt_core::{Control, MatRef};

use super::metric::{Distance, by_metric};
use super::{
    Metric, PackedTree, Queries, Radius, Shape, TreeParams, nearest_neighbors_fit, tree_count,
    tree_nearest, tree_within,
};

const METRICS: [Metric; 4] =
    [Metric::Euclidean, Metric::Manhattan, Metric::Chebyshev, Metric::Minkowski];

/// All rows by reduced distance, then by row, with their distances.
fn by_looking(X: MatRef<'_, f64>, query: &[f64], metric: Metric) -> Vec<(f64, i64)> {
    by_metric!(metric, 3.0, |metric| {
        let reduced = |i: usize| {
            let pairs = X.row(i).iter().zip(query);
            pairs.fold(0.0, |sum, (x, q)| metric.join(sum, metric.term(x - q)))
        };
        let mut all: Vec<(f64, i64)> = (0..X.n_rows()).map(|i| (reduced(i), i as i64)).collect();
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        all.into_iter().map(|(reduced, i)| (metric.distance(reduced), i)).collect()
    })
}

fn build(
    X: MatRef<'_, f64>,
    shape: Shape,
    metric: Metric,
    leaf_size: usize,
) -> PackedTree<'static> {
    let params = TreeParams { algorithm: shape, metric, p: 3.0, leaf_size };
    nearest_neighbors_fit(X, &params, &Control::new()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn trees_find_what_a_look_at_every_row_finds(
        values in prop::collection::vec(-9_i32..9, 3..600),
        d in 1_usize..4,
        leaf_size in 1_usize..40,
        k in 1_usize..200,
    ) {
        // Few distinct values: many ties.
        let n = values.len() / d;
        let values: Vec<f64> = values[..n * d].iter().map(|&x| f64::from(x) / 3.0).collect();
        let X = MatRef::from_row_major(&values, n, d).unwrap();
        let (k, control) = (k.min(n), Control::new());
        for metric in METRICS {
            for shape in [Shape::KdTree, Shape::BallTree] {
                let tree = build(X, shape, metric, leaf_size);
                let queries = Queries::Rows(X.rows(0, n.min(20)));
                let (distances, ids) = tree_nearest(&tree, queries, k, &control).unwrap();
                let all = Radius::One(1.5);
                let near = tree_within(&tree, queries, all, true, &|_| Ok(()), &control).unwrap();
                prop_assert_eq!(
                    tree_count(&tree, queries, all, &control).unwrap(),
                    near.starts.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>()
                );
                for q in 0..n.min(20) {
                    let expected = by_looking(X, X.row(q), metric);
                    for (place, &(distance, id)) in expected[..k].iter().enumerate() {
                        prop_assert_eq!(distances[q * k + place], distance);
                        prop_assert_eq!(ids[q * k + place], id);
                    }
                    if metric == Metric::Minkowski {
                        continue; // roots at the radius itself round as they like
                    }
                    let within: Vec<i64> =
                        expected.iter().filter(|pair| pair.0 <= 1.5).map(|pair| pair.1).collect();
                    let range = near.starts[q] as usize..near.starts[q + 1] as usize;
                    if metric != Metric::Euclidean {
                        prop_assert_eq!(&near.ids[range], &within[..]);
                    }
                }
            }
        }
    }
}

#[test]
fn own_rows_are_no_neighbours_and_threads_keep_the_bits() {
    let values: Vec<f64> = (0..60_000).map(|i| f64::from(i * 7919 % 10_007).sin()).collect();
    let X = MatRef::from_row_major(&values, 20_000, 3).unwrap();
    let control = Control::new();
    let search = |threads| {
        with_threads(threads, || {
            let tree = build(X, Shape::KdTree, Metric::Euclidean, 16);
            let own = tree_nearest(&tree, Queries::Own(X), 5, &control).unwrap();
            let all = tree_nearest(&tree, Queries::Rows(X), 6, &control).unwrap();
            (own, all, tree.ids.into_owned())
        })
    };
    let first = search(1);
    assert_eq!(first, search(2));
    assert_eq!(first, search(7));
    for row in 0..20_000 {
        let own = &first.0.1[row * 5..][..5];
        let others: Vec<i64> =
            first.1.1[row * 6..][..6].iter().copied().filter(|&id| id != row as i64).collect();
        assert_eq!(own, &others[..5]);
    }
}

#[test]
fn equal_rows_cost_no_look_at_all_of_them() {
    // Quadratic work would take minutes.
    let values = vec![0.5; 400_000];
    let X = MatRef::from_row_major(&values, 200_000, 2).unwrap();
    let tree = build(X, Shape::KdTree, Metric::Euclidean, 30);
    let (_, ids) = tree_nearest(&tree, Queries::Rows(X), 3, &Control::new()).unwrap();
    assert!(ids.chunks_exact(3).all(|row| row == [0, 1, 2]));
}

#[test]
fn damaged_arrays_and_impossible_wishes_are_errors() {
    let values = [0.0, 1.0, 2.0, 3.0];
    let X = MatRef::from_row_major(&values, 2, 2).unwrap();
    let tree = build(X, Shape::KdTree, Metric::Euclidean, 1);
    let control = Control::new();
    assert!(tree_nearest(&tree, Queries::Rows(X), 3, &control).is_err());
    assert!(tree_nearest(&tree, Queries::Own(X), 2, &control).is_err());
    let narrow = MatRef::column_vector(&values);
    assert!(tree_nearest(&tree, Queries::Rows(narrow), 1, &control).is_err());
    let shorter = &tree.points[1..];
    let again = PackedTree::from_arrays(
        tree.params.clone(),
        (2, 2),
        &tree.ids,
        shorter,
        &tree.bounds,
        &tree.least,
    );
    assert!(again.is_err());
    let params = TreeParams { metric: Metric::Minkowski, p: 0.5, ..tree.params.clone() };
    assert!(nearest_neighbors_fit(X, &params, &control).is_err());
}
