//! Choices between labels by comparisons of integers, a register full at a time.
//!
//! Plain loops do not become vectors here: a compiler makes branches of nested choices.

/// A comparison: a key of this column above this limit leads to the right.
pub type Test<K> = (u32, K);

/// Puts a label for each row into slot `out`.
#[derive(Debug, Clone, Copy)]
pub enum Step<K> {
    /// By a complete tree of three levels: its tests level by level.
    Eight {
        /// Its nodes.
        tests: [Test<K>; 7],
        /// What they lead to.
        labels: [K; 8],
        /// The slot.
        out: u32,
    },
    /// One of two labels.
    Labels {
        /// The node.
        test: Test<K>,
        /// What it leads to.
        labels: [K; 2],
        /// The slot.
        out: u32,
    },
    /// What the slot holds already, or a label on the other side.
    Label {
        /// The node.
        test: Test<K>,
        /// The other side.
        label: K,
        /// Whether the slot is the left side.
        left: bool,
        /// The slot.
        out: u32,
    },
    /// What the slot holds already, or what the next slot holds.
    Slots {
        /// The node.
        test: Test<K>,
        /// Whether the slot is the left side.
        left: bool,
        /// The slot.
        out: u32,
    },
}

/// Integers that come in vectors: `i8` to `i64`.
pub trait Choose: Copy + Ord {
    /// Takes the steps, one after the other.
    ///
    /// Columns and slots lie behind each other, `stride` rows each: a multiple of 32.
    fn choose(steps: &[Step<Self>], columns: &[Self], slots: &mut [Self], stride: usize);
}

#[inline(always)]
fn column<K>(columns: &[K], column: u32, stride: usize) -> &[K] {
    &columns[column as usize * stride..][..stride]
}

/// The same, a row at a time.
fn choose_plainly<K: Choose>(steps: &[Step<K>], columns: &[K], slots: &mut [K], stride: usize) {
    let above = |(place, limit): Test<K>, row| column(columns, place, stride)[row] > limit;
    for step in steps {
        match *step {
            Step::Eight { tests, labels, out } => {
                for (row, out) in slots[out as usize * stride..][..stride].iter_mut().enumerate() {
                    let mut node = 0;
                    for _ in 0..3 {
                        node = 2 * node + 1 + usize::from(above(tests[node], row));
                    }
                    *out = labels[node - 7];
                }
            }
            Step::Labels { test, labels, out } => {
                for (row, out) in slots[out as usize * stride..][..stride].iter_mut().enumerate() {
                    *out = labels[usize::from(above(test, row))];
                }
            }
            Step::Label { test, label, left, out } => {
                for (row, out) in slots[out as usize * stride..][..stride].iter_mut().enumerate() {
                    *out = if above(test, row) == left { label } else { *out };
                }
            }
            Step::Slots { test, left, out } => {
                let (out, next) = slots[out as usize * stride..].split_at_mut(stride);
                for (row, (out, next)) in out.iter_mut().zip(&next[..stride]).enumerate() {
                    *out = if above(test, row) == left { *next } else { *out };
                }
            }
        }
    }
}

macro_rules! choose {
    ($type:ident, $width:literal, $above:ident, $splat:ident, $vectors:ident) => {
        #[cfg(target_arch = "x86_64")]
        struct $vectors<'a> {
            simd: pulp::x86::V3,
            steps: &'a [Step<$type>],
            columns: &'a [$type],
            slots: &'a mut [$type],
            stride: usize,
        }

        #[cfg(target_arch = "x86_64")]
        impl pulp::NullaryFnOnce for $vectors<'_> {
            type Output = ();
            #[inline(always)]
            fn call(self) {
                use pulp::bytemuck::cast;
                use std::arch::x86_64::__m256i;
                let Self { simd, steps, columns, slots, stride } = self;
                let (avx, avx2) = (simd.avx, simd.avx2);
                macro_rules! keys {
                    ($place:expr) => {
                        column(columns, $place, stride).as_chunks::<$width>().0
                    };
                }
                macro_rules! choice {
                    ($keys:expr, $limit:expr, $left:expr, $right:expr) => {{
                        let above = avx2.$above(cast(*$keys), $limit);
                        avx2._mm256_blendv_epi8($left, $right, above)
                    }};
                }
                for step in steps {
                    match step {
                        Step::Eight { tests, labels, out } => {
                            let out = &mut slots[*out as usize * stride..][..stride];
                            let out = out.as_chunks_mut::<$width>().0;
                            let [(a, ta), (b, tb), (c, tc), (d, td), (e, te), (f, tf), (g, tg)] =
                                *tests;
                            let (ta, tb) = (avx.$splat(ta), avx.$splat(tb));
                            let (tc, td) = (avx.$splat(tc), avx.$splat(td));
                            let (te, tf) = (avx.$splat(te), avx.$splat(tf));
                            let tg = avx.$splat(tg);
                            let [l0, l1, l2, l3, l4, l5, l6, l7] = *labels;
                            let (l0, l1) = (avx.$splat(l0), avx.$splat(l1));
                            let (l2, l3) = (avx.$splat(l2), avx.$splat(l3));
                            let (l4, l5) = (avx.$splat(l4), avx.$splat(l5));
                            let (l6, l7) = (avx.$splat(l6), avx.$splat(l7));
                            let n = out.len();
                            let (a, b) = (&keys!(a)[..n], &keys!(b)[..n]);
                            let (c, d) = (&keys!(c)[..n], &keys!(d)[..n]);
                            let (e, f) = (&keys!(e)[..n], &keys!(f)[..n]);
                            let g = &keys!(g)[..n];
                            for i in 0..n {
                                let left = choice!(&d[i], td, l0, l1);
                                let right = choice!(&e[i], te, l2, l3);
                                let first = choice!(&b[i], tb, left, right);
                                let left = choice!(&f[i], tf, l4, l5);
                                let right = choice!(&g[i], tg, l6, l7);
                                let second = choice!(&c[i], tc, left, right);
                                let both: __m256i = choice!(&a[i], ta, first, second);
                                out[i] = cast(both);
                            }
                        }
                        Step::Labels { test: (place, limit), labels: [left, right], out } => {
                            let out = &mut slots[*out as usize * stride..][..stride];
                            let limit = avx.$splat(*limit);
                            let (left, right) = (avx.$splat(*left), avx.$splat(*right));
                            for (out, keys) in
                                out.as_chunks_mut::<$width>().0.iter_mut().zip(keys!(*place))
                            {
                                *out = cast(choice!(keys, limit, left, right));
                            }
                        }
                        Step::Label { test: (place, limit), label, left, out } => {
                            let out = &mut slots[*out as usize * stride..][..stride];
                            let (limit, label) = (avx.$splat(*limit), avx.$splat(*label));
                            let rows =
                                out.as_chunks_mut::<$width>().0.iter_mut().zip(keys!(*place));
                            if *left {
                                for (out, keys) in rows {
                                    *out = cast(choice!(keys, limit, cast(*out), label));
                                }
                            } else {
                                for (out, keys) in rows {
                                    *out = cast(choice!(keys, limit, label, cast(*out)));
                                }
                            }
                        }
                        Step::Slots { test: (place, limit), left, out } => {
                            let (out, next) = slots[*out as usize * stride..].split_at_mut(stride);
                            let limit = avx.$splat(*limit);
                            let next = next[..stride].as_chunks::<$width>().0;
                            let rows = out.as_chunks_mut::<$width>().0.iter_mut().zip(next);
                            if *left {
                                for ((out, next), keys) in rows.zip(keys!(*place)) {
                                    *out = cast(choice!(keys, limit, cast(*out), cast(*next)));
                                }
                            } else {
                                for ((out, next), keys) in rows.zip(keys!(*place)) {
                                    *out = cast(choice!(keys, limit, cast(*next), cast(*out)));
                                }
                            }
                        }
                    }
                }
            }
        }

        impl Choose for $type {
            fn choose(steps: &[Step<Self>], columns: &[Self], slots: &mut [Self], stride: usize) {
                assert!(stride.is_multiple_of(32));
                #[cfg(target_arch = "x86_64")]
                if let Some(simd) = pulp::x86::V3::try_new() {
                    simd.vectorize($vectors { simd, steps, columns, slots, stride });
                    return;
                }
                choose_plainly(steps, columns, slots, stride);
            }
        }
    };
}

choose!(i8, 32, _mm256_cmpgt_epi8, _mm256_set1_epi8, Bytes);
choose!(i16, 16, _mm256_cmpgt_epi16, _mm256_set1_epi16, Shorts);
choose!(i32, 8, _mm256_cmpgt_epi32, _mm256_set1_epi32, Words);
choose!(i64, 4, _mm256_cmpgt_epi64, _mm256_set1_epi64x, Longs);

#[cfg(test)]
mod tests {
    use super::{Choose, Step, choose_plainly};

    fn check<K: Choose + std::fmt::Debug>(of: impl Fn(i32) -> K) {
        for stride in [0_usize, 32, 96] {
            let columns: Vec<K> =
                (0..7 * stride).map(|i| of(((i * 37 + i / 11) % 101) as i32 - 50)).collect();
            let test = |i: u32| (i, of(i as i32 * 7 - 20));
            let tests = std::array::from_fn(|i| test(i as u32));
            let labels = std::array::from_fn(|i| of(i as i32 + 60));
            let steps = [
                Step::Eight { tests, labels, out: 0 },
                Step::Labels { test: test(3), labels: [of(1), of(2)], out: 1 },
                Step::Slots { test: test(2), left: true, out: 0 },
                Step::Labels { test: test(1), labels: [of(3), of(4)], out: 1 },
                Step::Slots { test: test(4), left: false, out: 0 },
                Step::Label { test: test(5), label: of(5), left: true, out: 0 },
                Step::Label { test: test(0), label: of(6), left: false, out: 0 },
            ];
            for n in 1..=steps.len() {
                let (mut found, mut expected) = (vec![of(0); 2 * stride], vec![of(0); 2 * stride]);
                K::choose(&steps[..n], &columns, &mut found, stride);
                choose_plainly(&steps[..n], &columns, &mut expected, stride);
                assert_eq!(found, expected, "{n} steps");
            }
        }
    }

    #[test]
    fn vectors_choose_as_single_numbers_do() {
        check(|x| x as i8);
        check(|x| x as i16 * 301);
        check(|x| x * 1_000_003);
        check(|x| i64::from(x) << 40);
    }
}
