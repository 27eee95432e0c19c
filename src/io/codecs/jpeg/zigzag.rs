//! The order of coefficients (T.81 figure A.6).

/// The place in a block, row by row, of each coefficient of the zigzag order.
pub(super) const ZIGZAG: [usize; 64] = order();

/// Up and down the diagonals, on which `x + y` is the same, from the corner on.
const fn order() -> [usize; 64] {
    let mut all = [0; 64];
    let (mut k, mut diagonal) = (0, 0);
    while diagonal < 15 {
        let (first, last) = (usize::saturating_sub(diagonal, 7), if diagonal > 7 { 7 } else { diagonal });
        let mut step = first;
        while step <= last {
            // Even diagonals rise to the right.
            let x = if diagonal % 2 == 0 { step } else { diagonal - step };
            all[k] = 8 * (diagonal - x) + x;
            k += 1;
            step += 1;
        }
        diagonal += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_figure() {
        assert_eq!(ZIGZAG[..16], [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5]);
        assert_eq!(ZIGZAG[56..], [53, 60, 61, 54, 47, 55, 62, 63]);
    }
}
