//! DBSCAN in up to three columns, over the cells of a grid ([`super::grid`]).
//!
//! A cell with enough rows holds core rows only, and the core rows of a cell share a cluster, so
//! components are components of cells.  Vector code reads the runs beside a cell one after the other.

use smelt_core::parallel::{for_chunks, map_chunks};
use smelt_core::simd::vectorize;
use smelt_core::{Control, Result};

use super::components::Components;
use super::dbscan::{DbscanFit, Density};
use super::grid::{Grid, Run};

/// Cells of one chunk.
const CHUNK: usize = 512;
/// Rows between two looks whether there are enough.
const BLOCK: usize = 256;
/// Nanoseconds of one cell; it decides whether threads are woken.
const COST: f64 = 1000.0;

#[inline(always)]
fn squared<const D: usize>(columns: &[&[f64]; D], at: usize, point: &[f64; D]) -> f64 {
    let mut sum = 0.0;
    for j in 0..D {
        let difference = columns[j][at] - point[j];
        sum += difference * difference;
    }
    sum
}

#[inline(always)]
fn part<const D: usize>(columns: &[Vec<f64>; D], first: usize, end: usize) -> [&[f64]; D] {
    std::array::from_fn(|j| &columns[j][first..end])
}

/// How many places are within the limit of a point.
#[inline(always)]
fn count<const D: usize>(columns: &[&[f64]; D], point: &[f64; D], limit: f64) -> u64 {
    let n = columns[0].len();
    let columns: [&[f64]; D] = std::array::from_fn(|j| &columns[j][..n]);
    let mut total = 0_u64;
    for at in 0..n {
        total += u64::from(squared(&columns, at, point) <= limit);
    }
    total
}

/// Clusters the rows of a grid.
pub(super) fn fit_by_grid<const D: usize>(
    grid: &Grid<D>,
    density: Density<'_>,
    control: &Control,
) -> Result<DbscanFit> {
    // 1. Core rows.
    let is_core = core_places(grid, density, control)?;
    let cores = Cores::new(grid, &is_core);
    control.check()?;
    // 2. Components of the cells with core rows.
    let components = join_cells(grid, &cores, control)?;
    // 3. Numbers of the clusters, by their first core rows.
    let n_cells = grid.n_cells();
    let mut first_rows = vec![u32::MAX; n_cells];
    for cell in 0..n_cells {
        if cores.of(cell).is_empty() {
            continue;
        }
        let root = components.find(cell as u32) as usize;
        first_rows[root] = first_rows[root].min(cores.first_rows[cell]);
    }
    control.check()?;
    let mut roots: Vec<usize> = (0..n_cells).filter(|&cell| first_rows[cell] != u32::MAX).collect();
    roots.sort_unstable_by_key(|&root| first_rows[root]);
    let mut numbers = vec![i64::MAX; n_cells];
    for (number, &root) in roots.iter().enumerate() {
        numbers[root] = number as i64;
    }
    for cell in 0..n_cells {
        if !cores.of(cell).is_empty() {
            numbers[cell] = numbers[components.find(cell as u32) as usize];
        }
    }
    // 4. Other rows join the first cluster within reach.
    let parts = label_places(grid, &cores, &is_core, &numbers, control);
    control.check()?;
    let mut labels = vec![-1_i64; grid.rows.len()];
    for (&row, label) in grid.rows.iter().zip(parts.into_iter().flatten()) {
        labels[row as usize] = label;
    }
    let mut by_row = vec![false; grid.rows.len()];
    for (&row, &flag) in grid.rows.iter().zip(&is_core) {
        by_row[row as usize] = flag;
    }
    let core_sample_indices =
        (0..by_row.len() as i64).filter(|&row| by_row[row as usize]).collect();
    Ok(DbscanFit { labels, core_sample_indices })
}

/// Which places hold core rows.
fn core_places<const D: usize>(
    grid: &Grid<D>,
    density: Density<'_>,
    control: &Control,
) -> Result<Vec<bool>> {
    let weight: Option<Vec<f64>> =
        density.weight.map(|weight| grid.rows.iter().map(|&row| weight[row as usize]).collect());
    let parts = map_chunks(grid.n_cells(), CHUNK, COST, |_, cells| {
        let (mut cursors, mut runs) = (grid.cursors(cells.start), Vec::new());
        let mut flags = Vec::with_capacity(grid.starts[cells.end] - grid.starts[cells.start]);
        for cell in cells {
            let places = grid.starts[cell]..grid.starts[cell + 1];
            if weight.is_none() && places.len() as f64 >= density.needed {
                flags.resize(flags.len() + places.len(), true);
                continue;
            }
            grid.runs(cell, &mut cursors, &mut runs);
            for place in places {
                if control.check().is_err() {
                    return flags;
                }
                let sum = vectorize(
                    #[inline(always)]
                    || weigh(grid, place, &runs, weight.as_deref(), density),
                );
                flags.push(sum >= density.needed);
            }
        }
        flags
    });
    control.check()?;
    Ok(parts.into_iter().flatten().collect())
}

/// Weight within reach of a place, or as much of it as is enough.
#[inline(always)]
fn weigh<const D: usize>(
    grid: &Grid<D>,
    place: usize,
    runs: &[Run],
    weight: Option<&[f64]>,
    density: Density<'_>,
) -> f64 {
    let point = grid.point(place);
    let mut sum = 0.0;
    for run in runs {
        if grid.is_far(&point, &grid.offsets[run.offset]) {
            continue;
        }
        let (mut first, end) = (grid.starts[run.first], grid.starts[run.end]);
        while first < end {
            let stop = (first + BLOCK).min(end);
            let columns = part(&grid.columns, first, stop);
            match weight {
                None => sum += count(&columns, &point, grid.limit) as f64,
                Some(weight) => {
                    for (at, &w) in weight[first..stop].iter().enumerate() {
                        if squared(&columns, at, &point) <= grid.limit {
                            sum += w;
                        }
                    }
                }
            }
            if density.grows && sum >= density.needed {
                return sum;
            }
            first = stop;
        }
    }
    sum
}

/// The core rows alone, sorted by cell.
struct Cores<const D: usize> {
    starts: Vec<usize>,
    columns: [Vec<f64>; D],
    /// First core row of each cell.
    first_rows: Vec<u32>,
    lows: Vec<[f64; D]>,
    highs: Vec<[f64; D]>,
}

impl<const D: usize> Cores<D> {
    fn new(grid: &Grid<D>, is_core: &[bool]) -> Self {
        let n_cells = grid.n_cells();
        let columns = std::array::from_fn(|j| {
            let column = grid.columns[j].iter().zip(is_core);
            column.filter(|pair| *pair.1).map(|pair| *pair.0).collect()
        });
        let mut cores = Self {
            starts: vec![0],
            columns,
            first_rows: vec![u32::MAX; n_cells],
            lows: vec![[f64::INFINITY; D]; n_cells],
            highs: vec![[f64::NEG_INFINITY; D]; n_cells],
        };
        let mut at = 0;
        for cell in 0..n_cells {
            for place in grid.starts[cell]..grid.starts[cell + 1] {
                if !is_core[place] {
                    continue;
                }
                at += 1;
                cores.first_rows[cell] = cores.first_rows[cell].min(grid.rows[place]);
                for j in 0..D {
                    let value = grid.columns[j][place];
                    cores.lows[cell][j] = cores.lows[cell][j].min(value);
                    cores.highs[cell][j] = cores.highs[cell][j].max(value);
                }
            }
            cores.starts.push(at);
        }
        cores
    }

    #[inline(always)]
    fn of(&self, cell: usize) -> std::ops::Range<usize> {
        self.starts[cell]..self.starts[cell + 1]
    }

    /// Bounds from below for the squared distance from a box to the core rows of a cell.
    #[inline(always)]
    fn gap(&self, cell: usize, low: &[f64; D], high: &[f64; D]) -> f64 {
        let mut sum = 0.0;
        for j in 0..D {
            let gap = (self.lows[cell][j] - high[j]).max(low[j] - self.highs[cell][j]).max(0.0);
            sum += gap * gap;
        }
        sum
    }

    /// Whether a core row of one cell is near one of another.
    fn touch(&self, one: usize, other: usize, limit: f64, control: &Control) -> bool {
        if self.gap(one, &self.lows[other], &self.highs[other]) > limit {
            return false;
        }
        let fewer = |cell: usize| self.of(cell).len();
        let (few, many) = if fewer(one) <= fewer(other) { (one, other) } else { (other, one) };
        for place in self.of(few) {
            if self.of(many).len() > 4 * BLOCK && control.check().is_err() {
                return false;
            }
            let point: [f64; D] = std::array::from_fn(|j| self.columns[j][place]);
            if self.gap(many, &point, &point) <= limit && self.is_near(many, &point, limit) {
                return true;
            }
        }
        false
    }

    /// Whether a core row of a cell is near a point.
    fn is_near(&self, cell: usize, point: &[f64; D], limit: f64) -> bool {
        let (mut first, end) = (self.starts[cell], self.starts[cell + 1]);
        while first < end {
            let stop = (first + BLOCK).min(end);
            let columns = part(&self.columns, first, stop);
            let n = vectorize(
                #[inline(always)]
                || count(&columns, point, limit),
            );
            if n > 0 {
                return true;
            }
            first = stop;
        }
        false
    }
}

/// Joins cells whose core rows are near each other.
fn join_cells<const D: usize>(
    grid: &Grid<D>,
    cores: &Cores<D>,
    control: &Control,
) -> Result<Components> {
    let components = Components::new(grid.n_cells());
    for_chunks(grid.n_cells(), CHUNK, COST, |_, cells| {
        let (mut cursors, mut runs) = (grid.cursors(cells.start), Vec::new());
        for cell in cells {
            if cores.of(cell).is_empty() {
                continue;
            }
            if control.check().is_err() {
                return;
            }
            grid.runs(cell, &mut cursors, &mut runs);
            for run in &runs {
                // Each pair once: the cells behind this one.
                for other in run.first.max(cell + 1)..run.end {
                    let (one, two) = (cell as u32, other as u32);
                    if !cores.of(other).is_empty()
                        && components.find(one) != components.find(two)
                        && cores.touch(cell, other, grid.limit, control)
                    {
                        components.unite(one, two);
                    }
                }
            }
        }
    });
    control.check()?;
    Ok(components)
}

/// Label of each place, in parts.
fn label_places<const D: usize>(
    grid: &Grid<D>,
    cores: &Cores<D>,
    is_core: &[bool],
    numbers: &[i64],
    control: &Control,
) -> Vec<Vec<i64>> {
    map_chunks(grid.n_cells(), CHUNK, COST, |_, cells| {
        let (mut cursors, mut runs) = (grid.cursors(cells.start), Vec::new());
        let mut labels = Vec::with_capacity(grid.starts[cells.end] - grid.starts[cells.start]);
        for cell in cells {
            let places = grid.starts[cell]..grid.starts[cell + 1];
            if cores.of(cell).len() == places.len() {
                labels.resize(labels.len() + places.len(), numbers[cell]);
                continue;
            }
            grid.runs(cell, &mut cursors, &mut runs);
            for place in places {
                if control.check().is_err() {
                    return labels;
                }
                if is_core[place] {
                    labels.push(numbers[cell]);
                    continue;
                }
                let point = grid.point(place);
                let mut first = i64::MAX;
                for other in runs.iter().flat_map(|run| run.first..run.end) {
                    if numbers[other] < first
                        && cores.gap(other, &point, &point) <= grid.limit
                        && cores.is_near(other, &point, grid.limit)
                    {
                        first = numbers[other];
                    }
                }
                labels.push(if first == i64::MAX { -1 } else { first });
            }
        }
        labels
    })
}
