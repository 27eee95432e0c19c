//! How many voxels along each axis.

/// Sizes of the axes [x, y, z, t, …], x fastest; one to seven of them, none zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape(Vec<u64>);

impl Shape {
    /// The shape with these axes; none if there are no axes, more than seven, a zero, or more than 2⁶² voxels.
    pub fn new(axes: &[u64]) -> Option<Self> {
        if axes.is_empty() || axes.len() > 7 {
            return None;
        }
        let voxels = axes.iter().try_fold(1u64, |n, &a| n.checked_mul(a))?;
        (voxels > 0 && voxels <= 1 << 62).then(|| Self(axes.to_vec()))
    }

    /// All axes.
    pub fn axes(&self) -> &[u64] {
        &self.0
    }

    /// Size of axis `a`, 1 where there is no such axis.
    pub fn axis(&self, a: usize) -> u64 {
        self.0.get(a).copied().unwrap_or(1)
    }

    /// The three axes of space.
    pub fn xyz(&self) -> [u64; 3] {
        [self.axis(0), self.axis(1), self.axis(2)]
    }

    /// Voxels in all.
    pub fn voxels(&self) -> u64 {
        self.0.iter().product()
    }

    /// Voxels in one slice: x · y.
    pub fn slice_voxels(&self) -> u64 {
        self.axis(0) * self.axis(1)
    }

    /// Slices through all volumes.
    pub fn slices(&self) -> u64 {
        self.voxels() / self.slice_voxels()
    }

    /// Volumes of three axes: the product of the axes beyond the third.
    pub fn volumes(&self) -> u64 {
        self.slices() / self.axis(2)
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let axes: Vec<String> = self.0.iter().map(u64::to_string).collect();
        f.write_str(&axes.join(" x "))
    }
}
