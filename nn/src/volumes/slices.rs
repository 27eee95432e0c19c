//! Slices of a volume along any axis, each with its neighbours as further channels.

/// Along which axis slices are cut, and how many are seen together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// 0 x, 1 y, 2 z.
    pub axis: usize,
    /// Odd: the slice itself in the middle.
    pub slices: usize,
}

/// A volume seen as a stack of slices.
#[derive(Debug, Clone, Copy)]
pub struct Stack<'a> {
    values: &'a [f32],
    size: [usize; 3],
    axis: usize,
}

impl Cut {
    /// The axes of a slice, across and down.
    pub fn plane(self) -> [usize; 2] {
        match self.axis {
            0 => [1, 2],
            1 => [0, 2],
            _ => [0, 1],
        }
    }
}

impl<'a> Stack<'a> {
    /// Of a volume, x fastest.
    pub fn new(values: &'a [f32], size: [usize; 3], axis: usize) -> Self {
        Self { values, size, axis }
    }

    /// Slices that there are.
    pub fn count(&self) -> usize {
        self.size[self.axis]
    }

    /// Columns and rows of a slice.
    pub fn plane(&self) -> [usize; 2] {
        Cut { axis: self.axis, slices: 1 }.plane().map(|axis| self.size[axis])
    }

    /// A box of a slice and its neighbours, channel by channel: `width` x `height` pixels from (`left`, `top`), which may lie outside. Beyond the volume, the
    /// nearest voxel counts, and the nearest slice.
    pub fn window(&self, index: usize, slices: usize, [left, top]: [i64; 2], [width, height]: [usize; 2]) -> Vec<Vec<f32>> {
        let half = (slices / 2) as i64;
        (-half..=half).map(|by| self.channel(index as i64 + by, [left, top], [width, height])).collect()
    }

    fn channel(&self, index: i64, [left, top]: [i64; 2], [width, height]: [usize; 2]) -> Vec<f32> {
        let inside = |at: i64, n: usize| at.clamp(0, n as i64 - 1) as usize;
        let [columns, rows] = self.plane();
        let slice = inside(index, self.count());
        let mut out = Vec::with_capacity(width * height);
        for y in 0..height as i64 {
            let v = inside(top + y, rows);
            out.extend(
                (0..width as i64).map(|x| self.values[place(self.size, self.axis, [slice, inside(left + x, columns), v])]),
            );
        }
        out
    }
}

/// Where the pixel (across, down) of a slice lies in its volume.
pub fn place(size: [usize; 3], axis: usize, [slice, u, v]: [usize; 3]) -> usize {
    let [x, y, z] = match axis {
        0 => [slice, u, v],
        1 => [u, slice, v],
        _ => [u, v, slice],
    };
    (z * size[1] + y) * size[0] + x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_each_axis_hold_the_right_voxels() {
        // Voxel (x, y, z) is 100 x + 10 y + z.
        let size = [4, 3, 2];
        let values: Vec<f32> = (0..24).map(|i| (100 * (i % 4) + 10 * (i / 4 % 3) + i / 12) as f32).collect();
        let of = |axis, index| Stack::new(&values, size, axis).window(index, 3, [-1, 1], [3, 2]);
        assert_eq!(of(2, 0)[1], [10.0, 10.0, 110.0, 20.0, 20.0, 120.0]);
        assert_eq!(of(2, 0)[0], of(2, 0)[1], "below the first slice it stands itself");
        assert_eq!(of(2, 0)[2][0], 11.0);
        assert_eq!(of(1, 2)[1], [21.0, 21.0, 121.0, 21.0, 21.0, 121.0]);
        assert_eq!(of(0, 3)[1], [301.0, 301.0, 311.0, 301.0, 301.0, 311.0]);
        assert_eq!((Stack::new(&values, size, 0).count(), Stack::new(&values, size, 0).plane()), (4, [3, 2]));
    }
}
