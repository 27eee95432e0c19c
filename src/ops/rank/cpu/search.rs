//! The results of a block, found together: whether a result reaches a code is asked for all of them at once, and codes between which few or no results
//! are left are not asked about.

use super::super::Footprint;
use super::counts::WindowCounts;
use super::pick::Pick;
use super::piece::{Piece, STRIDE, WIDTH};

/// Codes from `first` to before `end`, and how many results there are of at least `first` and `end`.
#[derive(Clone, Copy)]
struct Span {
    first: u32,
    end: u32,
    reach_first: u32,
    reach_end: u32,
}

/// The search for one window and rank, with the room that it needs.
pub struct Search {
    pub counts: WindowCounts,
    pub pick: Pick,
    /// For each result the first code of the span that it lies in, row by row.
    pub low: Vec<[u16; WIDTH]>,
    /// For the first code of a span that was left its last code; for all others the code itself.
    last: Box<[u16]>,
    left: Vec<u16>,
    spans: Vec<Span>,
    /// First and last result of the block before: the next has similar ones.
    guess: (u16, u16),
    rows: usize,
}

impl Search {
    pub fn new(window: &Footprint, rank: u32, portable: bool) -> Self {
        Self {
            counts: WindowCounts::new(window, rank, portable),
            pick: Pick::new(window, rank, portable),
            low: Vec::new(),
            last: (0..=u16::MAX).collect(),
            left: Vec::new(),
            spans: Vec::new(),
            guess: (0, 0),
            rows: window.rows().len(),
        }
    }

    /// Finds the results of a block among the codes from `first` to `last`: for each one its code, or a span of codes that holds few others.
    pub fn run(&mut self, block: &Piece, codes: &[[u16; STRIDE]], (first, last): (u16, u16), places: Option<&[u32]>) {
        self.left.drain(..).for_each(|code| self.last[usize::from(code)] = code);
        self.room(block);
        self.counts.keep(if places.is_some() { self.low.len() } else { 0 });
        self.low.fill([if places.is_some() { 0 } else { first }; WIDTH]);
        let all = (self.low.len() * WIDTH) as u32;
        if places.is_some() {
            self.counts.raise(block, codes, first, &mut self.low);
        }
        self.spans.clear();
        self.spans.push(Span { first: first.into(), end: u32::from(last) + 1, reach_first: all, reach_end: 0 });
        let (one, pick) = (self.cost_of_count(block), self.cost_of_pick());
        let (low, high) = self.guess;
        let margin = (high - low) / 4 + 1;
        // Codes that have places are those of the block alone.
        let guesses = if places.is_some() { [0; 2] } else { [low.saturating_sub(margin), high.saturating_add(margin)] };
        let (mut least, mut most) = (u16::MAX, 0);
        while let Some(span) = self.spans.pop() {
            let (inside, codes_left) = (span.reach_first - span.reach_end, span.end - span.first);
            if inside == 0 {
                continue;
            }
            // Codes from 1 on have places, of which eight are looked at at once.
            let of_places = |starts: &[u32]| u64::from(starts[span.end as usize - 1] - starts[span.first as usize - 1]) / 2 + 30;
            let each = places.map_or(pick, of_places);
            // Even if all results are one, so many counts must tell.
            let few = u64::from(inside) * each < u64::from(u32::BITS - (codes_left - 1).leading_zeros()) * one;
            if codes_left == 1 || few {
                let (first, last) = (span.first as u16, (span.end - 1) as u16);
                (least, most) = (least.min(first), most.max(last));
                if codes_left > 1 {
                    self.last[usize::from(first)] = last;
                    self.left.push(first);
                }
                continue;
            }
            let guess = guesses.into_iter().map(u32::from).find(|g| inside == all && (span.first + 1..span.end).contains(g));
            let middle = guess.unwrap_or(span.first.midpoint(span.end));
            let reach = self.counts.raise(block, codes, middle as u16, &mut self.low);
            self.spans.push(Span { first: middle, reach_first: reach, ..span });
            self.spans.push(Span { end: middle, reach_end: reach, ..span });
        }
        if places.is_none() {
            self.guess = (least, most);
        }
    }

    /// CountRoom for the results of a block.
    pub fn room(&mut self, block: &Piece) {
        self.low.resize(block.size[1] * block.size[2], [0; WIDTH]);
    }

    /// The last code of the span that a result lies in, from its first.
    pub fn last(&self, first: u16) -> u16 {
        self.last[usize::from(first)]
    }

    /// About how many steps a count takes, per row of 32 bytes.
    fn cost_of_count(&self, block: &Piece) -> u64 {
        let [high, deep] = block.rows();
        let rows = block.size[1] * block.size[2];
        // Of a ball each slice has the discs of half the window.
        let per_row = if self.counts.is_box() { 4 * rows } else { 4 * rows + deep * block.size[1] * self.rows / 2 };
        (high * deep * (5 + block.reach[0]) + per_row) as u64
    }

    /// About how many of the same steps it takes to look at one window.
    fn cost_of_pick(&self) -> u64 {
        5 * self.rows as u64 + 50
    }
}
