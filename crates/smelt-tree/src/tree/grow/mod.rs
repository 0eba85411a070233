//! Grower: one decision tree, depth first or, with `max_leaf_nodes`, the best node first.
//!
//! 1. Take up a node: the sums of its rows.
//! 2. Look at columns in random order for the best cut; all of them at once, in parallel, where the
//!    tree may use all.
//! 3. Partition the node's rows in place, in order; so too the lists kept sorted by each column.
//! 4. Go on with the left child, then the right one.
//!
//! Cost of a level: for every column looked at, one code and one item of every row (best cut of a
//! column of bytes), or the same in the order of a list (exact), and one partition.

mod partition;

use smelt_core::{Control, Result, parallel};

use super::category_cut::{CategoryScratch, random_category_cut};
use super::columns::Columns;
use super::criterion::Criterion;
use super::cut::{Cut, Found, Rules, Scratch, best_cut, best_cut_in_order};
use super::draw::Drawing;
use super::few_rows::FewRows;
use super::limits::Limits;
use super::nodes::Nodes;
use super::random::Xorshift;
use super::random_cut::{RandomScratch, random_cut};
use super::sparse::Values;
use super::subtree::{self, Growth, Near};

/// Numbers that room is made for at once: a node holds eight, and its values.
const MOST_RESERVED: usize = 1 << 20;
/// Estimated time to look at one value, for the choice between one thread and several.
const VALUE_NS: f64 = 5.0;

/// Columns as the splitter wants them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Table<'a> {
    /// Codes, for best cuts.
    Codes(&'a Columns),
    /// Values, for random cuts.
    Values(Values<'a>),
}

impl Table<'_> {
    pub(crate) fn n_rows(&self) -> usize {
        match self {
            Self::Codes(columns) => columns.n_rows,
            Self::Values(values) => values.n_rows(),
        }
    }

    pub(crate) fn n_features(&self) -> usize {
        match self {
            Self::Codes(columns) => columns.columns.len(),
            Self::Values(values) => values.n_cols(),
        }
    }
}

/// Rows of every column in order, for exact cuts without sorting again.
struct Lists<I> {
    /// One list a column of wide codes; empty for columns of bytes.
    orders: Vec<Vec<u32>>,
    /// One bit a row: goes left.
    goes_left: Vec<u64>,
    /// Items of all rows.
    items: Vec<I>,
}

/// A node to be cut, or to become a leaf.
#[derive(Debug, Clone, Copy)]
struct Task {
    start: usize,
    stop: usize,
    depth: usize,
    parent: Option<(usize, bool)>,
    impurity: f64,
    n_constant: usize,
    lower: f64,
    upper: f64,
}

/// A cut that was made: the place of the right rows, and what the children know.
#[derive(Debug, Clone, Copy)]
struct Made {
    node: usize,
    task: Task,
    middle: usize,
    impurities: [f64; 2],
    improvement: f64,
    /// Value between the children, for monotonic constraints.
    between: f64,
    sign: i8,
    n_constant: usize,
}

pub(crate) struct Grower<'a, C: Criterion> {
    table: Table<'a>,
    limits: &'a Limits,
    criterion: C,
    /// Sums of the smaller child, and of the other one.
    child: C,
    sibling: C,
    rows: Vec<u32>,
    items: Vec<C::Item>,
    right_rows: Vec<u32>,
    right_items: Vec<C::Item>,
    lists: Option<Lists<C::Item>>,
    total_weight: f64,
    drawing: Drawing,
    random: Xorshift,
    scratch: Scratch,
    random_scratch: RandomScratch,
    category_scratch: CategoryScratch,
    few: FewRows,
    near: Near<'a>,
    nodes: Nodes,
    value: Vec<f64>,
}

impl<'a, C: Criterion> Grower<'a, C> {
    /// `weights` is one number a row (all 1 if `None`); rows of weight zero take no part.
    /// `width` numbers are the value of a node.
    pub(crate) fn new(
        table: Table<'a>,
        criterion: C,
        weights: Option<&[f64]>,
        limits: &'a Limits,
        width: usize,
        seed: u32,
    ) -> Self {
        let n_rows = table.n_rows();
        let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
        let mut rows: Vec<u32> =
            (0..n_rows as u32).filter(|&row| weight(row as usize) != 0.0).collect();
        criterion.order(&mut rows);
        let items: Vec<C::Item> =
            rows.iter().map(|&row| criterion.item(row as usize, weight(row as usize))).collect();
        let total_weight = weights.map_or(n_rows as f64, |weights| weights.iter().sum());
        let lists = match table {
            Table::Codes(columns) if columns.columns.iter().any(|c| !c.order.is_empty()) => {
                let all = rows.len() == n_rows;
                let order = |order: &Vec<u32>| match all {
                    true => order.clone(),
                    false => {
                        order.iter().copied().filter(|&row| weight(row as usize) != 0.0).collect()
                    }
                };
                Some(Lists {
                    orders: columns.columns.iter().map(|column| order(&column.order)).collect(),
                    goes_left: vec![0; n_rows.div_ceil(64)],
                    items: (0..n_rows).map(|row| criterion.item(row, weight(row))).collect(),
                })
            }
            _ => None,
        };
        let near = Near::new(table, limits, &criterion);
        let mut nodes = Nodes::default();
        nodes.reserve(limits.most_nodes(rows.len()).min(MOST_RESERVED / (width + 8)), width);
        Self {
            limits,
            child: criterion.clone(),
            sibling: criterion.clone(),
            criterion,
            right_rows: rows.clone(),
            right_items: items.clone(),
            rows,
            items,
            lists,
            total_weight,
            drawing: Drawing::new(table.n_features(), limits.max_features),
            table,
            random: Xorshift::new(seed),
            scratch: Scratch::default(),
            random_scratch: RandomScratch::default(),
            category_scratch: CategoryScratch::default(),
            few: FewRows::default(),
            near,
            nodes,
            value: vec![0.0; width],
        }
    }

    /// Grows the tree.
    pub(crate) fn grow(mut self, control: &Control) -> Result<Nodes> {
        let root = Task {
            start: 0,
            stop: self.rows.len(),
            depth: 0,
            parent: None,
            impurity: f64::INFINITY,
            n_constant: 0,
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
        };
        match self.limits.max_leaf_nodes {
            None => self.grow_depth_first(root, control)?,
            Some(max_leaf_nodes) => self.grow_best_first(root, max_leaf_nodes, control)?,
        }
        self.nodes.complete_sets();
        Ok(self.nodes)
    }

    fn grow_depth_first(&mut self, root: Task, control: &Control) -> Result<()> {
        let mut waiting = vec![root];
        while let Some(task) = waiting.pop() {
            control.check()?;
            if self.grow_near(&task, control)? {
                continue;
            }
            let made = self.visit(task, control)?;
            if let Some(made) = made {
                let [left, right] = self.children(&made);
                waiting.push(right);
                waiting.push(left);
            }
        }
        Ok(())
    }

    /// Grows the whole subtree of a node near the processor, if it fits there.
    fn grow_near(&mut self, task: &Task, control: &Control) -> Result<bool> {
        let (rows, items) = (&self.rows[task.start..task.stop], &self.items[task.start..task.stop]);
        if !self.near.takes(rows, items, &self.criterion) {
            return Ok(false);
        }
        let root = subtree::Task {
            start: 0,
            stop: rows.len(),
            depth: task.depth,
            parent: task.parent,
            impurity: task.impurity,
            n_constant: task.n_constant,
        };
        let mut growth = Growth {
            limits: self.limits,
            total_weight: self.total_weight,
            drawing: &mut self.drawing,
            random: &mut self.random,
            nodes: &mut self.nodes,
        };
        self.near.grow(root, &mut growth, control)?;
        Ok(true)
    }

    fn grow_best_first(
        &mut self,
        root: Task,
        max_leaf_nodes: usize,
        control: &Control,
    ) -> Result<()> {
        let mut n_cuts = max_leaf_nodes - 1;
        let mut waiting: Vec<Made> = Vec::new();
        let made = self.visit(root, control)?;
        waiting.extend(made);
        while n_cuts > 0 && !waiting.is_empty() {
            control.check()?;
            let best = (1..waiting.len()).fold(0, |best, at| {
                if waiting[at].improvement > waiting[best].improvement { at } else { best }
            });
            let made = waiting.swap_remove(best);
            n_cuts -= 1;
            for child in self.children(&made) {
                // Constant columns are looked for anew, as scikit-learn does here.
                let made = self.visit(Task { n_constant: 0, ..child }, control)?;
                waiting.extend(made);
            }
        }
        // Nodes that still wait are leaves.
        for made in waiting {
            self.nodes.uncut(made.node);
        }
        Ok(())
    }

    /// Adds a node, and cuts it if it is worth it.
    fn visit(&mut self, mut task: Task, control: &Control) -> Result<Option<Made>> {
        let limits = self.limits;
        let n = task.stop - task.start;
        self.criterion.enter(&self.items[task.start..task.stop]);
        let weight = self.criterion.weight();
        if task.parent.is_none() {
            task.impurity = self.criterion.impurity();
        }
        let is_leaf = limits.is_leaf(task.depth, n, weight, task.impurity);
        self.criterion.value(&mut self.value);
        if limits.monotonic.is_some() {
            // No `clamp`: by rounding, bounds that meet may cross in their last bit.
            self.value[0] = self.value[0].max(task.lower).min(task.upper);
            if let [first, second] = &mut self.value[..] {
                *second = 1.0 - *first;
            }
        }
        let node = self.nodes.add(task.parent, task.impurity, n, weight, &self.value);
        self.nodes.max_depth = self.nodes.max_depth.max(task.depth);
        if is_leaf {
            return Ok(None);
        }
        self.drawing.start(task.n_constant);
        let cut = self.best(&task, control)?;
        let n_constant = self.drawing.finish();
        let Some(mut cut) = cut else { return Ok(None) };
        let middle = self.partition(&task, &cut);
        if self.misses_nothing(cut.feature) {
            cut.missing_left = 2 * (middle - task.start) > n;
        }
        let (mut impurities, mut weights, mut values) = ([0.0; 2], [0.0; 2], [0.0; 2]);
        let sides = [task.start..middle, middle..task.stop];
        let small = usize::from(sides[1].len() < sides[0].len());
        self.child.enter(&self.items[sides[small].clone()]);
        if !self.sibling.enter_rest(&self.criterion, &self.child) {
            self.sibling.enter(&self.items[sides[1 - small].clone()]);
        }
        for (side, child) in [(small, &self.child), (1 - small, &self.sibling)] {
            impurities[side] = child.impurity();
            weights[side] = child.weight();
            if limits.monotonic.is_some() {
                child.value(&mut self.value);
                values[side] = self.value[0];
            }
        }
        self.split_lists(&task, middle, weights);
        let improvement = weight / self.total_weight
            * (task.impurity
                - weights[1] / weight * impurities[1]
                - weights[0] / weight * impurities[0]);
        if !limits.is_worth(improvement) {
            return Ok(None);
        }
        match (&cut.set, limits.categories_of(cut.feature)) {
            (Some(set), Some(known)) => {
                let rows = &self.rows[task.start..task.stop];
                let is_left_larger = 2 * (middle - task.start) > n;
                let left =
                    self.table.left_categories(cut.feature, rows, set, known, is_left_larger);
                self.nodes.cut_by_set(node, cut.feature, left, cut.missing_left);
            }
            _ => self.nodes.cut(node, cut.feature, cut.threshold, cut.missing_left),
        }
        let sign = limits.monotonic.as_ref().map_or(0, |signs| signs[cut.feature]);
        let between = values[0] / 2.0 + values[1] / 2.0;
        Ok(Some(Made { node, task, middle, impurities, improvement, between, sign, n_constant }))
    }

    fn children(&self, made: &Made) -> [Task; 2] {
        let Made { task, middle, .. } = *made;
        let child = |is_left: bool| {
            let mut child = Task {
                depth: task.depth + 1,
                parent: Some((made.node, is_left)),
                impurity: made.impurities[usize::from(!is_left)],
                n_constant: made.n_constant,
                ..task
            };
            if is_left {
                child.stop = middle
            } else {
                child.start = middle
            }
            match (made.sign, is_left) {
                (1, true) | (-1, false) => child.upper = made.between,
                (1, false) | (-1, true) => child.lower = made.between,
                _ => {}
            }
            child
        };
        [child(true), child(false)]
    }

    /// 2. The best cut of a node.
    fn best(&mut self, task: &Task, control: &Control) -> Result<Option<Cut>> {
        let (rows, items) = (&self.rows[task.start..task.stop], &self.items[task.start..task.stop]);
        let limits = self.limits;
        self.few.enter(rows, items, &self.criterion);
        let few = &self.few;
        let rules = |feature: usize| Rules {
            min_samples_leaf: limits.min_samples_leaf,
            min_weight_leaf: limits.min_weight_leaf,
            monotonic: limits.monotonic.as_ref().map_or(0, |signs| signs[feature]),
            lower: task.lower,
            upper: task.upper,
        };
        let look = |feature: usize, columns: &Columns, criterion: &mut C, scratch: &mut Scratch| {
            if control.is_cancelled() {
                return Found::Nothing;
            }
            let rules = rules(feature);
            match &self.lists {
                Some(lists) if !lists.orders[feature].is_empty() && !few.are_entered() => {
                    let column = &columns.columns[feature];
                    let ordered = &lists.orders[feature][task.start..task.stop];
                    let items = &lists.items;
                    best_cut_in_order(column, feature, ordered, items, criterion, &rules, scratch)
                }
                _ => best_cut(columns, feature, rows, items, few, criterion, &rules, scratch),
            }
        };
        let mut best: Option<Cut> = None;
        let mut consider = |found: Found, drawing: &mut Drawing| match found {
            Found::Constant => drawing.is_constant(),
            Found::Nothing => drawing.is_of_use(),
            Found::Cut(cut) => {
                drawing.is_of_use();
                if best.is_none_or(|best| cut.proxy > best.proxy) {
                    best = Some(cut);
                }
            }
        };
        let cost_ns = rows.len() as f64 * VALUE_NS;
        let n_candidates = self.drawing.candidates().len();
        match self.table {
            Table::Codes(columns)
                if limits.max_features >= columns.columns.len()
                    && cost_ns * n_candidates as f64 >= 1e5
                    && parallel::threads() > 1 =>
            {
                let candidates = self.drawing.candidates();
                let entered = &self.criterion;
                let found = parallel::map_chunks(n_candidates, 1, cost_ns, |index, _| {
                    let _ = control.check();
                    look(
                        candidates[index] as usize,
                        columns,
                        &mut entered.clone(),
                        &mut Scratch::default(),
                    )
                });
                let mut by_feature = vec![Found::Constant; columns.columns.len()];
                for (&feature, found) in candidates.iter().zip(found) {
                    by_feature[feature as usize] = found;
                }
                while let Some(feature) = self.drawing.next(&mut self.random) {
                    consider(by_feature[feature], &mut self.drawing);
                }
            }
            Table::Codes(columns) => {
                while let Some(feature) = self.drawing.next(&mut self.random) {
                    control.check()?;
                    let found = look(feature, columns, &mut self.criterion, &mut self.scratch);
                    consider(found, &mut self.drawing);
                }
            }
            Table::Values(values) => {
                while let Some(feature) = self.drawing.next(&mut self.random) {
                    control.check()?;
                    if limits.categories_of(feature).is_some() {
                        let found = random_category_cut(
                            values,
                            feature,
                            rows,
                            items,
                            &mut self.criterion,
                            &rules(feature),
                            &mut self.random,
                            &mut self.category_scratch,
                        );
                        consider(found, &mut self.drawing);
                        continue;
                    }
                    let found = random_cut(
                        values,
                        feature,
                        rows,
                        items,
                        few.ends(),
                        &mut self.criterion,
                        &rules(feature),
                        &mut self.random,
                        &mut self.random_scratch,
                    );
                    consider(found, &mut self.drawing);
                }
            }
        }
        control.check()?;
        Ok(best)
    }
}
