//! Colours that people with any kind of colour vision can tell apart.

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// The palette of Okabe and Ito without black, in an order in which neighbours differ most.
pub const PALETTE: [Rgb; 7] = [
    [230, 159, 0],   // orange
    [86, 180, 233],  // sky blue
    [0, 158, 115],   // bluish green
    [204, 121, 167], // reddish purple
    [240, 228, 66],  // yellow
    [0, 114, 178],   // blue
    [213, 94, 0],    // vermilion
];

/// Histogram bars.
pub const BARS: Rgb = [86, 140, 184];
/// Bars of a histogram behind curves, which have colours of their own.
pub const BACKDROP: Rgb = [196, 202, 208];
/// The cumulative curve.
pub const CUMULATIVE: Rgb = [213, 94, 0];
/// Outlines of masks: bright on any grey.
pub const OUTLINE: Rgb = [255, 210, 0];
/// Vertical markers in plots.
pub const MARKER: Rgb = [0, 158, 115];

/// The colour of a label: 0 is black, the others go through the palette, each round darker than the one before.
pub fn label(number: u64) -> Rgb {
    let Some(n) = number.checked_sub(1) else { return [0; 3] };
    let round = (n / PALETTE.len() as u64) % 3;
    PALETTE[(n % PALETTE.len() as u64) as usize].map(|c| (u64::from(c) * (10 - 3 * round) / 10) as u8)
}

/// As SVG and CSS write it: `#rrggbb`.
pub fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_distinct_for_three_rounds() {
        let colours: std::collections::HashSet<Rgb> = (0..=21).map(label).collect();
        assert_eq!(colours.len(), 22);
        assert_eq!((label(0), label(1), label(22)), ([0; 3], PALETTE[0], PALETTE[0]));
        assert_eq!(hex([1, 160, 255]), "#01a0ff");
    }
}
