//! Nodes that wait to be cut: a heap in the order of the policy.

use super::Grower;

impl Grower<'_> {
    /// Adds a node to the heap of waiting ones.  Ties come out as from Python's `heapq`.
    pub(super) fn push(&mut self, node: usize) {
        self.waiting.push(node);
        self.rise(0, self.waiting.len() - 1);
    }

    /// Takes the first of the waiting nodes.
    pub(super) fn pop(&mut self) -> Option<usize> {
        let last = self.waiting.pop()?;
        let Some(&top) = self.waiting.first() else { return Some(last) };
        // Let the hole sink to the bottom along the better children, then let `last` rise there.
        let (end, mut hole) = (self.waiting.len(), 0);
        while 2 * hole + 1 < end {
            let (first, second) = (2 * hole + 1, 2 * hole + 2);
            let keep_first =
                second >= end || self.is_before(self.waiting[first], self.waiting[second]);
            let child = if keep_first { first } else { second };
            self.waiting[hole] = self.waiting[child];
            hole = child;
        }
        self.waiting[hole] = last;
        self.rise(0, hole);
        Some(top)
    }

    fn rise(&mut self, top: usize, mut place: usize) {
        let node = self.waiting[place];
        while place > top {
            let parent = (place - 1) / 2;
            if !self.is_before(node, self.waiting[parent]) {
                break;
            }
            self.waiting[place] = self.waiting[parent];
            place = parent;
        }
        self.waiting[place] = node;
    }
}
