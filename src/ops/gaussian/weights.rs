//! Weights of a Gaussian as whole numbers, and how numbers are written while it is computed.

use crate::volume::Dtype;

/// How numbers are written between the axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed {
    /// Bits of weights: all of a kernel sum to this power of two.
    pub weight: u32,
    /// Bits behind the point of values.
    pub value: u32,
    /// A device has words of 32 bits: it takes values in so many parts ...
    pub parts: u32,
    /// ... of so many bits, each of which, times weights, stays within a word.
    pub bits: u32,
}

impl Fixed {
    /// For voxels of 8 and 16 bits: 24 bits between the axes.
    const SHORT: Self = Self { weight: 20, value: 8, parts: 2, bits: 12 };
    /// For levels, which have a sign and 24 bits: 28 bits. Products have 53 then, the most that f64 holds exactly.
    const LONG: Self = Self { weight: 25, value: 3, parts: 4, bits: 7 };

    /// For a type that has sums.
    pub fn of(dtype: Dtype) -> Self {
        if dtype == Dtype::F32 { Self::LONG } else { Self::SHORT }
    }
}

/// How far a kernel reaches, in voxels.
pub fn reach(sigma_voxels: f64) -> u32 {
    (4.0 * sigma_voxels).ceil() as u32
}

/// The weight of the centre, then that of both voxels one away, two, to the reach: on both sides together they sum to 2^bits.
///
/// From the outermost on inwards, each is what takes the sum of all so far nearest to the true one. So every sum from outside is right to half a unit, and
/// with it what becomes of an edge, however many voxels the kernel spans. Nearest weights one by one would add up their errors.
pub fn weights(sigma_voxels: f64, bits: u32) -> Vec<u32> {
    let one = 1u32 << bits;
    if sigma_voxels == 0.0 {
        return vec![one];
    }
    // Of libm, so that every machine has the same.
    let density = |i: u32| libm::exp(-0.5 * (f64::from(i) / sigma_voxels) * (f64::from(i) / sigma_voxels));
    let densities: Vec<f64> = (0..=reach(sigma_voxels)).map(density).collect();
    let sides: f64 = densities[1..].iter().rev().sum();
    let all = densities[0] + 2.0 * sides;
    let mut whole = vec![0; densities.len()];
    let (mut outside, mut placed) = (0.0, 0u32);
    for (weight, density) in whole.iter_mut().zip(&densities).skip(1).rev() {
        outside += density / all * f64::from(one);
        *weight = (outside.round_ties_even() as u32).max(placed) - placed;
        placed += *weight;
    }
    whole[0] = one - 2 * placed;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_by_hand() {
        // exp(-1/2) = .60653, exp(-2) = .13534, exp(-4.5) = .01111, exp(-8) = .00034, all of both sides and 1: 2.50663. Of 1024:
        // .14, 4.54, 55.29, 247.78. Sums from outside: .14, 4.68, 59.97, 307.74: 0, 5, 60, 308.
        assert_eq!(weights(1.0, 10), [1024 - 2 * 308, 308 - 60, 60 - 5, 5, 0]);
        assert_eq!(weights(0.0, 10), [1024]);
        assert_eq!(weights(0.1, 20), [1 << 20, 0]);
    }

    #[test]
    fn weights_fall_and_sum_to_one() {
        for bits in [Fixed::SHORT.weight, Fixed::LONG.weight] {
            for sigma in [0.2, 0.5, 0.8, 1.0, 1.7, 2.0, 4.3, 8.0, 15.9, 32.0] {
                let weights = weights(sigma, bits);
                assert_eq!(weights.len() as u32, reach(sigma) + 1);
                assert_eq!(weights[0] + 2 * weights[1..].iter().sum::<u32>(), 1 << bits, "{sigma}");
                // To one unit, by which neighbours may be rounded apart.
                assert!(weights.windows(2).all(|w| w[0] + 1 >= w[1]), "{sigma}: {weights:?}");
            }
        }
    }

    #[test]
    fn nothing_overflows() {
        for Fixed { weight, value, parts, bits } in [Fixed::SHORT, Fixed::LONG] {
            let most = if parts == 2 { u64::from(u16::MAX) } else { 2 * u64::from(crate::ops::whole::MOST_LEVEL) + 1 };
            let most = most << value;
            assert!(most < 1 << (parts * bits) && weight + bits <= 32);
            // On the CPU, products and their sum.
            assert!(most << weight <= 1 << 53);
        }
    }
}
