//! Intensities changed, all channels of an image alike.

use super::{Augmentation, elastic};
use crate::random::Random;

/// Blur, gamma, a smooth gain, contrast and brightness, noise and a blank patch, in this order.
pub fn change(how: &Augmentation, random: &mut Random, width: usize, channels: &mut [Vec<f32>]) {
    let (blurred, blur) = (random.happens(0.5), random.unit() * how.blur);
    let exponent = (1.0 + how.gamma).powf(random.between(-1.0, 1.0));
    let (contrast, brightness) = (1.0 + random.between(-1.0, 1.0) * how.contrast, random.between(-1.0, 1.0) * how.contrast);
    let noise = random.unit() * how.noise;
    let patch = random.happens(0.5).then(|| patch(random, how.cut_out, width, channels.first().map_or(0, |c| c.len() / width)));
    let height = channels.first().map_or(0, |channel| channel.len() / width);
    // Drawn last, so that who leaves it out sees the same images as before it was there.
    let gain = (how.bias > 0.0).then(|| elastic::field(random, [width, height], how.bias));
    for channel in channels.iter_mut() {
        if blurred && blur > 0.0 {
            *channel = self::blur(channel, width, blur);
        }
        if how.gamma > 0.0 {
            gamma(channel, exponent);
        }
        if let Some(gain) = &gain {
            let least = channel.iter().copied().fold(f32::INFINITY, f32::min);
            channel.iter_mut().zip(gain).for_each(|(v, [log, _])| *v = least + (*v - least) * log.exp());
        }
        let (mean, spread) = moments(channel);
        if how.contrast > 0.0 {
            channel.iter_mut().for_each(|v| *v = (mean + (f64::from(*v) - mean) * contrast + brightness * spread) as f32);
        }
        if how.noise > 0.0 {
            channel.iter_mut().for_each(|v| *v += (random.normal() * noise * spread) as f32);
        }
        if let Some([left, top, right, bottom]) = patch.filter(|_| how.cut_out > 0.0) {
            for row in channel.chunks_exact_mut(width).take(bottom).skip(top) {
                row[left..right].fill(mean as f32);
            }
        }
    }
}

fn moments(values: &[f32]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    (mean, (values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// Over the range of the image, whose ends stay.
fn gamma(values: &mut [f32], exponent: f64) {
    let (low, high) = values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    let range = f64::from(high) - f64::from(low);
    if range > 0.0 {
        values.iter_mut().for_each(|v| *v = (f64::from(low) + range * (f64::from(*v - low) / range).powf(exponent)) as f32);
    }
}

/// A Gaussian, cut off at three standard deviations; beyond the edge, the nearest pixel counts.
fn blur(image: &[f32], width: usize, sigma: f64) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as i64;
    let kernel: Vec<f64> = (-reach..=reach).map(|d| (-0.5 * (d as f64 / sigma).powi(2)).exp()).collect();
    let sum: f64 = kernel.iter().sum();
    let height = image.len() / width;
    let pass = |image: &[f32], step: [i64; 2]| -> Vec<f32> {
        let at = |x: i64, y: i64| image[y.clamp(0, height as i64 - 1) as usize * width + x.clamp(0, width as i64 - 1) as usize];
        let place = |i: usize| {
            let (x, y) = ((i % width) as i64, (i / width) as i64);
            let near = |(d, w): (i64, &f64)| w * f64::from(at(x + step[0] * d, y + step[1] * d));
            ((-reach..=reach).zip(&kernel).map(near).sum::<f64>() / sum) as f32
        };
        (0..image.len()).map(place).collect()
    };
    pass(&pass(image, [1, 0]), [0, 1])
}

/// Left, top, right and bottom of a patch.
fn patch(random: &mut Random, most: f64, width: usize, height: usize) -> [usize; 4] {
    let mut along = |n: usize| {
        let side = (random.unit() * most * n as f64).round() as usize;
        let from = random.below(n - side.min(n - 1));
        (from, from + side.min(n - 1))
    };
    let ((left, right), (top, bottom)) = (along(width), along(height));
    [left, top, right, bottom]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_is_smooth_and_keeps_the_darkest() {
        let how = Augmentation { bias: 0.5, ..Augmentation::NONE };
        let mut channels = vec![vec![2.0_f32; 32 * 32], vec![1.0; 32 * 32]];
        channels[0][0] = 1.0;
        change(&how, &mut Random::new(2, "gain", 0), 32, &mut channels);
        let own = &channels[0];
        assert_eq!(own[0], 1.0, "the darkest stays");
        assert!(channels[1].iter().all(|v| *v == 1.0), "nothing above the darkest");
        let steps = own[1..].windows(2).enumerate().filter(|(i, _)| (i + 2) % 32 != 0).map(|(_, pair)| (pair[0] - pair[1]).abs());
        assert!(steps.fold(0.0, f32::max) < 0.2);
        let (low, high) = own[1..].iter().fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
        assert!(high - low > 0.2 && low > 1.2, "{low} {high}");
    }

    #[test]
    fn gamma_keeps_the_ends_and_blur_the_sum() {
        let mut ramp: Vec<f32> = (0..11).map(|i| i as f32).collect();
        gamma(&mut ramp, 2.0);
        assert_eq!((ramp[0], ramp[5], ramp[10]), (0.0, 2.5, 10.0));
        let mut point = vec![0.0; 15 * 15];
        point[7 * 15 + 7] = 1.0;
        let soft = blur(&point, 15, 1.0);
        assert!((soft.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        // The normalised Gaussian at 0 and 1.
        assert!((soft[7 * 15 + 7] - 0.159_5).abs() < 2e-3 && (soft[7 * 15 + 8] / soft[7 * 15 + 7] - 0.606_5).abs() < 1e-3);
    }
}
