//! Which rows are neighbours.
//!
//! Rows that touch so closely that any voxel of one is the neighbour of the voxels beside it in the others form a group, whose ones are joined as if they were one row: four rows,
//! two by two in y and z, for 26 neighbours, two in y for 18. Dense noise then has a fifth of the runs, and a quarter of the rows to be joined.

/// Which voxels are neighbours of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connectivity {
    /// 6 in 3-D, 4 in 2-D.
    Faces,
    /// 18 in 3-D, 8 in 2-D.
    Edges,
    /// 26 in 3-D, 8 in 2-D.
    Corners,
}

/// Which voxels there are components of, and which of them may hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    /// All that are not 0 are alike.
    NotZero,
    /// Those that are not 0; each value hangs together with itself alone.
    Label,
    /// Those that are 0.
    Zero,
    /// All of them, 0 too; each value hangs together with itself alone.
    Value,
}

/// What a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Which places are neighbours.
    pub connectivity: Connectivity,
    /// Which values belong together.
    pub same: Same,
}

impl Rules {
    /// All that is not 0 is one.
    pub fn mask(connectivity: Connectivity) -> Self {
        Self { connectivity, same: Same::NotZero }
    }

    /// Values are kept apart, and 0 is nothing.
    pub fn labels(connectivity: Connectivity) -> Self {
        Self { connectivity, same: Same::Label }
    }

    /// What is 0, by its faces: what lies between the parts of a mask of 26 neighbours.
    pub fn background() -> Self {
        Self { connectivity: Connectivity::Faces, same: Same::Zero }
    }
}

/// How groups are made and joined.
pub(super) struct Joins {
    /// Rows of a group along y and z. Row (y, z) of it is number `z * group[0] + y`.
    pub group: [usize; 2],
    pub joins: &'static [Join],
}

/// A group before this one in order, and what is near in it.
pub(super) struct Join {
    /// Where it is, in groups: -1, 0 or 1 in y; 0 or -1 in z.
    pub y: isize,
    pub below: bool,
    pub pairs: &'static [NearRows],
}

/// Two rows of the other group and two of this one, perhaps the same one twice: all of the former are near all of the latter.
pub(super) struct NearRows {
    pub theirs: [usize; 2],
    pub ours: [usize; 2],
    /// Whether voxels one apart in x are neighbours, too.
    pub aslant: bool,
}

const fn pair(theirs: [usize; 2], ours: [usize; 2], aslant: bool) -> NearRows {
    NearRows { theirs, ours, aslant }
}

const fn join(y: isize, below: bool, pairs: &'static [NearRows]) -> Join {
    Join { y, below, pairs }
}

const STRAIGHT: &[NearRows] = &[pair([0, 0], [0, 0], false)];
const ASLANT: &[NearRows] = &[pair([0, 0], [0, 0], true)];

const FACES: Joins = Joins { group: [1, 1], joins: &[join(-1, false, STRAIGHT), join(0, true, STRAIGHT)] };

const EDGES: Joins = Joins {
    group: [2, 1],
    joins: &[
        join(-1, false, &[pair([1, 1], [0, 0], true)]),
        join(
            0,
            true,
            &[pair([0, 0], [0, 0], true), pair([1, 1], [1, 1], true), pair([0, 0], [1, 1], false), pair([1, 1], [0, 0], false)],
        ),
        join(-1, true, &[pair([1, 1], [0, 0], false)]),
        join(1, true, &[pair([0, 0], [1, 1], false)]),
    ],
};

const CORNERS: Joins = Joins {
    group: [2, 2],
    joins: &[
        join(-1, false, &[pair([1, 3], [0, 2], true)]),
        join(0, true, &[pair([2, 3], [0, 1], true)]),
        join(-1, true, &[pair([3, 3], [0, 0], true)]),
        join(1, true, &[pair([2, 2], [1, 1], true)]),
    ],
};

// Rows of several values are not one.
const EDGES_APART: Joins = Joins {
    group: [1, 1],
    joins: &[join(-1, false, ASLANT), join(0, true, ASLANT), join(-1, true, STRAIGHT), join(1, true, STRAIGHT)],
};

const CORNERS_APART: Joins = Joins {
    group: [1, 1],
    joins: &[join(-1, false, ASLANT), join(0, true, ASLANT), join(-1, true, ASLANT), join(1, true, ASLANT)],
};

impl Rules {
    pub(super) fn apart(self) -> bool {
        matches!(self.same, Same::Label | Same::Value)
    }

    pub(super) fn joins(self) -> &'static Joins {
        match (self.connectivity, self.apart()) {
            (Connectivity::Faces, _) => &FACES,
            (Connectivity::Edges, false) => &EDGES,
            (Connectivity::Corners, false) => &CORNERS,
            (Connectivity::Edges, true) => &EDGES_APART,
            (Connectivity::Corners, true) => &CORNERS_APART,
        }
    }
}

/// Trees of what hangs together: each points to one before it, the first of all to itself.
pub(super) fn root(parents: &mut [u32], mut node: u32) -> u32 {
    while parents[node as usize] != node {
        let next = parents[parents[node as usize] as usize];
        parents[node as usize] = next;
        node = next;
    }
    node
}

#[inline(always)]
pub(super) fn unite(parents: &mut [u32], a: u32, b: u32) {
    if parents[a as usize] == parents[b as usize] {
        return;
    }
    let (a, b) = (root(parents, a), root(parents, b));
    parents[a.max(b) as usize] = a.min(b);
}
