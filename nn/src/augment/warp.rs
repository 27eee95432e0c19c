//! Pixels moved: each one of the result is looked up where it comes from. What comes from outside takes the nearest pixel.

/// For each pixel of the result, the place that it comes from.
#[derive(Debug, Clone)]
pub struct Warp {
    size: [usize; 2],
    places: Vec<[f32; 2]>,
}

impl Warp {
    /// Turned by `angle`, `zoom` times as large across and down, moved by `shift` pixels, about the middle.
    pub fn affine(size: [usize; 2], angle: f64, zoom: [f64; 2], shift: [f64; 2], flip: bool) -> Self {
        let middle = size.map(|n| (n as f64 - 1.0) / 2.0);
        let (sin, cos) = angle.sin_cos();
        let sign = if flip { -1.0 } else { 1.0 };
        let place = |i: usize| {
            let (x, y) = ((i % size[0]) as f64 - middle[0] - shift[0], (i / size[0]) as f64 - middle[1] - shift[1]);
            let (u, v) = ((cos * x + sin * y) / zoom[0], (cos * y - sin * x) / zoom[1]);
            [(sign * u + middle[0]) as f32, (v + middle[1]) as f32]
        };
        Self { size, places: (0..size[0] * size[1]).map(place).collect() }
    }

    /// Moves the places further.
    pub fn displace(&mut self, by: &[[f32; 2]]) {
        self.places.iter_mut().zip(by).for_each(|(place, by)| *place = [place[0] + by[0], place[1] + by[1]]);
    }

    /// Intensities, between four pixels.
    pub fn smooth(&self, image: &[f32]) -> Vec<f32> {
        let [width, height] = self.size;
        let (right, bottom) = ((width - 1) as f32, (height - 1) as f32);
        let look = |[x, y]: &[f32; 2]| {
            let (x, y) = (x.clamp(0.0, right), y.clamp(0.0, bottom));
            let (i, j) = (x as usize, y as usize);
            let (i1, j1) = ((i + 1).min(width - 1), (j + 1).min(height - 1));
            let (fx, fy) = (x - i as f32, y - j as f32);
            let row = |j: usize| image[j * width + i] * (1.0 - fx) + image[j * width + i1] * fx;
            row(j) * (1.0 - fy) + row(j1) * fy
        };
        self.places.iter().map(look).collect()
    }

    /// Labels, those of the nearest pixel.
    pub fn nearest(&self, labels: &[u8]) -> Vec<u8> {
        let [width, height] = self.size;
        let look = |[x, y]: &[f32; 2]| {
            let near = |at: f32, n: usize| at.round().clamp(0.0, (n - 1) as f32) as usize;
            labels[near(*y, height) * width + near(*x, width)]
        };
        self.places.iter().map(look).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn_a_shift_and_a_flip() {
        let image: Vec<f32> = (0..9).map(|i| i as f32).collect();
        let of =
            |angle: f64, shift: [f64; 2], flip| Warp::affine([3, 3], angle.to_radians(), [1.0; 2], shift, flip).smooth(&image);
        let close = |a: Vec<f32>, b: [f32; 9]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close(of(90.0, [0.0; 2], false), [6.0, 3.0, 0.0, 7.0, 4.0, 1.0, 8.0, 5.0, 2.0]));
        assert!(close(of(0.0, [1.0, 0.0], false), [0.0, 0.0, 1.0, 3.0, 3.0, 4.0, 6.0, 6.0, 7.0]));
        assert!(close(of(0.0, [0.0; 2], true), [2.0, 1.0, 0.0, 5.0, 4.0, 3.0, 8.0, 7.0, 6.0]));
    }
}
