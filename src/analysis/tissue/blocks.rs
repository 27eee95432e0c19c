//! Blocks of voxels, and where a voxel lies between their middles.

/// Units of a node in a nat.
pub const NODES_PER_NAT: f64 = 4096.0;

/// Nodes lie within this, both ways: a gain of 0.29 to 3.5.
pub const MOST_NODE: i32 = 5120;

/// Most voxels of a block along an axis, as a power of two.
const MOST_SHIFT: u32 = 3;

/// A volume in blocks, whose sides are powers of two voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockGrid {
    /// Voxels.
    pub shape: [usize; 3],
    /// Logarithms of the sides, to base 2.
    pub shift: [u32; 3],
    /// Blocks.
    pub blocks: [usize; 3],
}

/// The two nodes around a voxel along an axis, and how much the second one counts, of twice the side of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodePair {
    /// Their numbers along the axis.
    pub nodes: [usize; 2],
    /// Of the second one.
    pub part: i32,
}

impl BlockGrid {
    /// Blocks of up to 8 voxels and so many mm along each axis, but of one voxel at least.
    ///
    /// # Panics
    /// If an axis has no voxels.
    pub fn new(shape: [usize; 3], spacing_mm: [f64; 3], side_mm: f64) -> Self {
        assert!(shape.iter().all(|n| *n > 0), "{shape:?} has no voxels");
        let shift = spacing_mm.map(|spacing| {
            let fits = |shift: &u32| f64::from(1 << shift) * spacing <= side_mm * (1.0 + 1e-6);
            (1..=MOST_SHIFT).take_while(fits).last().unwrap_or(0)
        });
        let blocks = std::array::from_fn(|a| shape[a].div_ceil(1 << shift[a]));
        Self { shape, shift, blocks }
    }

    /// All blocks.
    pub fn len(&self) -> usize {
        self.blocks.iter().product()
    }

    /// Never: there are voxels.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where voxel `x` of an axis lies.
    #[inline(always)]
    pub fn between(&self, axis: usize, x: usize) -> NodePair {
        let side = 1i64 << self.shift[axis];
        // In half voxels from the middle of the first block.
        let from = 2 * x as i64 + 1 - side;
        let (node, last) = (from.div_euclid(2 * side), self.blocks[axis] as i64 - 1);
        if from <= 0 {
            NodePair { nodes: [0, 0], part: 0 }
        } else if node >= last {
            NodePair { nodes: [last as usize; 2], part: 0 }
        } else {
            NodePair { nodes: [node as usize, node as usize + 1], part: (from - 2 * side * node) as i32 }
        }
    }

    /// Bits by which a sum of all weights is larger than a node.
    pub fn bits(&self) -> u32 {
        self.shift.iter().sum::<u32>() + 3
    }
}

/// Sums over the voxels of each block, by block, then by class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockSums {
    /// Of weights.
    pub weights: Vec<u32>,
    /// Of weights times round(1024 ln w); the logarithm of 0 counts as that of 1.
    pub logs: Vec<u32>,
}

impl BlockSums {
    /// Of nothing.
    pub fn none(grid: &BlockGrid, classes: usize) -> Self {
        let none = vec![0; grid.len() * classes];
        Self { weights: none.clone(), logs: none }
    }
}
