//! Tests of [`super`]: plain loops find the same.

use smelt_core::lanes::Lanes;
use smelt_core::{Mat, Real};

use super::{Centres, each_below, each_score, nearest, two_nearest};

fn matrix<T: Real>(n: usize, d: usize, seed: usize) -> Mat<T> {
    // Few values, so that many scores are equal.
    let value = |i: usize| T::from_f64(((i * 7919 + seed * 31 + i / 13) % 5) as f64 - 2.0);
    Mat::from_vec((0..n * d).map(value).collect(), n, d).unwrap()
}

/// Integers: exact in any order.
fn plain<T: Real>(x: &Mat<T>, c: &Mat<T>, i: usize, j: usize) -> T {
    let pairs = || x.row(i).iter().zip(c.row(j));
    pairs().map(|(&a, &b)| b * b - T::from_f64(2.0) * a * b).sum()
}

const SHAPES: [(usize, usize, usize); 9] = [
    (1, 1, 1),
    (5, 3, 2),
    (6, 16, 20),
    (13, 17, 20),
    (400, 33, 7),
    (50, 100, 100),
    (7, 3000, 40),
    (0, 4, 3),
    (3, 5, 0),
];

fn smallest_agree<T: Lanes>() {
    for (n, k, d) in SHAPES {
        let (x, c) = (matrix::<T>(n, d, 1), matrix::<T>(k, d, 2));
        let centres = Centres::of_distances(c.view());
        let (mut labels, mut scores) = (vec![9; n], vec![T::ZERO; n]);
        let mut seconds = scores.clone();
        nearest(|i| x.row(i), &centres, &mut labels, &mut scores);
        let (first_labels, first_scores) = (labels.clone(), scores.clone());
        two_nearest(|i| x.row(i), &centres, &mut labels, &mut scores, &mut seconds);
        assert_eq!((&first_labels, &first_scores), (&labels, &scores));
        for i in 0..n {
            let all: Vec<T> = (0..k).map(|j| plain(&x, &c, i, j)).collect();
            let best = (0..k).fold(0, |best, j| if all[j] < all[best] { j } else { best });
            assert_eq!((labels[i] as usize, scores[i]), (best, all[best]), "{n} {k} {d} row {i}");
            let others = (0..k).filter(|&j| j != best).map(|j| all[j]);
            assert_eq!(seconds[i], others.fold(T::INFINITY, Real::min), "{n} {k} {d} row {i}");
        }
    }
}

#[test]
fn the_nearest_two_are_those_of_plain_loops() {
    smallest_agree::<f32>();
    smallest_agree::<f64>();
}

fn scores_agree<T: Lanes>() {
    for (n, k, d) in SHAPES {
        let (x, c) = (matrix::<T>(n, d, 1), matrix::<T>(k, d, 2));
        let centres = Centres::of_distances(c.view());
        let mut found = Mat::<T>::zeros(n, k);
        each_score(
            n,
            |i| x.row(i),
            &centres,
            |first, centre, scores| {
                scores
                    .iter()
                    .enumerate()
                    .for_each(|(l, &score)| found[(first + l, centre)] = score);
            },
        );
        let mut least: Vec<Vec<(T, usize)>> = vec![Vec::new(); n];
        let mut limits = vec![T::INFINITY; n];
        each_below(
            |i| x.row(i),
            &centres,
            &mut limits,
            |i, centre, score| {
                let list = &mut least[i];
                let place = list.partition_point(|&(known, _)| known <= score);
                list.insert(place, (score, centre));
                list.truncate(3);
                if list.len() < 3 { T::INFINITY } else { list[2].0 }
            },
        );
        for i in 0..n {
            let all: Vec<T> = (0..k).map(|j| plain(&x, &c, i, j)).collect();
            assert_eq!(found.row(i), all);
            let mut order: Vec<usize> = (0..k).collect();
            order.sort_by(|&a, &b| all[a].partial_cmp(&all[b]).unwrap());
            order.truncate(3);
            let expected: Vec<(T, usize)> = order.into_iter().map(|j| (all[j], j)).collect();
            assert_eq!(least[i], expected);
            assert_eq!(limits[i], if k < 3 { T::INFINITY } else { expected[2].0 });
        }
    }
}

#[test]
fn all_scores_and_the_least_few_are_those_of_plain_loops() {
    scores_agree::<f32>();
    scores_agree::<f64>();
}

/// How near the hardware's limit: `cargo test --release -p smelt-math tiles -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stdout)]
fn speed() {
    fn one<T: Lanes>(name: &str, n: usize, k: usize, d: usize) {
        let value = |i: usize| T::from_f64(((i * 7919) % 1009) as f64 / 1009.0);
        let x = Mat::from_vec((0..n * d).map(value).collect(), n, d).unwrap();
        let c = Mat::from_vec((0..k * d).map(|i| value(i + 17)).collect(), k, d).unwrap();
        let centres = Centres::of_distances(c.view());
        let (mut labels, mut scores) = (vec![0; n], vec![T::ZERO; n]);
        let mut seconds = scores.clone();
        let mut best = [f64::INFINITY; 2];
        for _ in 0..7 {
            let start = std::time::Instant::now();
            nearest(|i| x.row(i), &centres, &mut labels, &mut scores);
            best[0] = best[0].min(start.elapsed().as_secs_f64());
            let start = std::time::Instant::now();
            two_nearest(|i| x.row(i), &centres, &mut labels, &mut scores, &mut seconds);
            best[1] = best[1].min(start.elapsed().as_secs_f64());
        }
        let flops = 2.0 * n as f64 * k as f64 * d as f64 / 1e9;
        println!(
            "{name} {n}x{d} k={k}: {:.1}, two {:.1} Gflop/s",
            flops / best[0],
            flops / best[1]
        );
    }
    for (n, k, d) in [(100_000, 100, 20), (10_000, 1000, 100), (100_000, 8, 2), (100_000, 8, 20)] {
        one::<f32>("f32", n, k, d);
        one::<f64>("f64", n, k, d);
    }
}
