//! Which server is next.

use super::node::Node;
use postern::routing::Balancing;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The longest turn of a round robin. Weights whose turn would be longer are rounded to it.
const LONGEST_TURN: u64 = 10_000;

/// The servers of one upstream, and whose turn it is.
///
/// The smooth weighted round robin (nginx's: the server that is furthest behind its share is next) is played
/// once when it is made; a request only counts on, so no request waits for another.
#[derive(Debug)]
pub(super) struct Balance {
    /// Each has a weight above 0.
    pub(super) nodes: Vec<Arc<Node>>,
    balancing: Balancing,
    /// One whole turn: indexes of `nodes`.
    pub(super) turn: Vec<usize>,
    next: AtomicUsize,
}

impl Balance {
    /// `None` without a server.
    pub(super) fn new(nodes: Vec<Arc<Node>>, balancing: Balancing) -> Option<Self> {
        let turn = one_turn(&nodes.iter().map(|node| u64::from(node.weight)).collect::<Vec<_>>());
        (!turn.is_empty()).then(|| Self { nodes, balancing, turn, next: AtomicUsize::new(0) })
    }

    /// The next server that is not among `tried`: a healthy one, else any. A server that all believe dead is
    /// still a better guess than none.
    pub(super) fn next(&self, tried: &[usize]) -> Option<usize> {
        let from = self.next.fetch_add(1, Ordering::Relaxed);
        let new = |index: &usize| !tried.contains(index);
        let healthy = |index: &usize| new(index) && self.nodes[*index].is_healthy();
        match self.balancing {
            Balancing::RoundRobin => self.in_turn(from).find(healthy).or_else(|| self.in_turn(from).find(new)),
            Balancing::LeastConnections => self.least(from, healthy).or_else(|| self.least(from, new)),
        }
    }

    fn in_turn(&self, from: usize) -> impl Iterator<Item = usize> {
        (0..self.turn.len()).map(move |offset| self.turn[from.wrapping_add(offset) % self.turn.len()])
    }

    /// The server with the fewest requests in flight for its weight; of equals the one whose turn it is.
    fn least(&self, from: usize, allowed: impl Fn(&usize) -> bool) -> Option<usize> {
        let count = self.nodes.len();
        let indexes = (0..count).map(move |offset| from.wrapping_add(offset) % count).filter(allowed);
        let load = |index: &usize| (self.nodes[*index].in_flight() + 1, u64::from(self.nodes[*index].weight));
        // a/x < b/y without fractions.
        indexes.min_by(|a, b| {
            let ((a, x), (b, y)) = (load(a), load(b));
            (a * y).cmp(&(b * x))
        })
    }
}

fn one_turn(weights: &[u64]) -> Vec<usize> {
    let shares = shares(weights);
    let total: u64 = shares.iter().sum();
    let mut behind: Vec<i64> = vec![0; shares.len()];
    (0..total).filter_map(|_| step(&shares, &mut behind, total)).collect()
}

/// One step of the smooth weighted round robin.
fn step(shares: &[u64], behind: &mut [i64], total: u64) -> Option<usize> {
    for (behind, share) in behind.iter_mut().zip(shares) {
        *behind += i64::try_from(*share).ok()?;
    }
    // The first of equals, as nginx does.
    let next = (0..behind.len()).rev().max_by_key(|index| behind[*index])?;
    behind[next] -= i64::try_from(total).ok()?;
    Some(next)
}

/// The weights in lowest terms, rounded if their sum is still above [`LONGEST_TURN`]; none becomes 0.
pub(super) fn shares(weights: &[u64]) -> Vec<u64> {
    let divisor = weights.iter().fold(0, |a, b| greatest_common_divisor(a, *b)).max(1);
    let lowest: Vec<u64> = weights.iter().map(|weight| weight / divisor).collect();
    let total: u64 = lowest.iter().sum();
    if total <= LONGEST_TURN {
        return lowest;
    }
    lowest.iter().map(|weight| (weight * LONGEST_TURN / total).max(1)).collect()
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
