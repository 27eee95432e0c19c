//! Resizing by Keys' cubic (1981, a = -1/2), stretched where an image shrinks, so that every pixel counts and nothing aliases.

use crate::data::Plane;

/// How far the cubic reaches.
const REACH: f64 = 2.0;

fn cubic(x: f64) -> f64 {
    let x = x.abs();
    match x {
        _ if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        _ if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        _ => 0.0,
    }
}

/// For each place of the result, the first pixel that counts and the weights of it and of those behind it. What lies outside does not count.
fn weights(from: usize, to: usize) -> Vec<(usize, Vec<f64>)> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let place = |i: usize| {
        let centre = (i as f64 + 0.5) * scale;
        let first = (centre - REACH * stretch + 0.5).floor().max(0.0) as usize;
        let end = ((centre + REACH * stretch + 0.5).floor() as usize).min(from);
        let own: Vec<f64> = (first..end).map(|j| cubic((j as f64 + 0.5 - centre) / stretch)).collect();
        let sum: f64 = own.iter().sum();
        (first, own.into_iter().map(|weight| weight / sum).collect())
    };
    (0..to).map(place).collect()
}

/// The image with so many columns and rows; the same image where it has them already.
pub fn resize(image: &Plane, [width, height]: [usize; 2]) -> Plane {
    if [image.width, image.height] == [width, height] {
        return image.clone();
    }
    let across = weights(image.width, width);
    let rows: Vec<f64> = image
        .values
        .chunks_exact(image.width)
        .flat_map(|row| {
            across.iter().map(|(first, own)| own.iter().zip(&row[*first..]).map(|(w, v)| w * f64::from(*v)).sum::<f64>())
        })
        .collect();
    let mut values = Vec::with_capacity(width * height);
    for (first, own) in weights(image.height, height) {
        let column = |x: usize| own.iter().enumerate().map(|(j, w)| w * rows[(first + j) * width + x]).sum::<f64>() as f32;
        values.extend((0..width).map(column));
    }
    Plane { width, height, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramps_stay_ramps_and_stripes_become_grey() {
        let ramp = Plane { width: 40, height: 30, values: (0..1200).map(|i| (i % 40) as f32).collect() };
        let small = resize(&ramp, [10, 6]);
        for x in 2..8 {
            assert!((small.values[30 + x] - (4.0 * x as f32 + 1.5)).abs() < 1e-4, "{:?}", &small.values[30..40]);
        }
        let stripes = Plane { width: 64, height: 4, values: (0..256).map(|i| (i % 2) as f32 * 100.0).collect() };
        assert!(resize(&stripes, [8, 4]).values.iter().all(|v| (v - 50.0).abs() < 3.0));
        let flat = Plane { width: 3, height: 3, values: vec![7.0; 9] };
        assert!(resize(&flat, [11, 5]).values.iter().all(|v| (v - 7.0).abs() < 1e-5));
    }
}
