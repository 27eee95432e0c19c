//! What a file does not say although the volume that went into it does: told by the file being written, shown by whoever writes it.

use std::fmt;

use crate::volume::{Dtype, Header, Padding, Rescale};

/// Something that is known of a volume and that a file of it does not hold.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// How far voxels lie apart, in mm along x, y and z.
    Spacing([f64; 3]),
    /// Where the grid lies in the patient, and how it is turned.
    Position,
    /// Seconds from one volume to the next.
    TimeStep(f64),
    /// Stored to real values: the file has stored values only.
    Rescale(Rescale),
    /// The same, but the file keeps it where few programs look for it.
    RescaleApart(Rescale),
    /// The stored values: real ones are written, in this type, for the format has no rescale.
    Stored(Dtype),
    /// That real values are Hounsfield units.
    Unit,
    /// Which stored values mean "no data".
    Padding(Padding),
    /// That values are labels.
    Labels,
    /// That low values are to be bright.
    Inverted,
    /// Axes beyond the fourth, which became times.
    Axes,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spacing([x, y, z]) => write!(f, "the spacing ({x} x {y} x {z} mm) is not kept"),
            Self::Position => f.write_str("position and orientation in the patient are not kept"),
            Self::TimeStep(step) => write!(f, "the time step ({step} s) is not kept"),
            Self::Rescale(r) => write!(
                f,
                "values are as stored and their rescale is not kept: real values are {} * stored + {}",
                r.slope, r.intercept
            ),
            Self::RescaleApart(r) => write!(
                f,
                "the rescale {} * stored + {} is kept as ImageJ's calibration: other programs see stored values",
                r.slope, r.intercept
            ),
            Self::Stored(dtype) => write!(f, "values are the real ones, as {dtype}: the format has no rescale"),
            Self::Unit => f.write_str("that values are Hounsfield units is not kept"),
            Self::Padding(p) if p.low == p.high => write!(f, "that the stored value {} means no data is not kept", p.low),
            Self::Padding(p) => write!(f, "that stored values from {} to {} mean no data is not kept", p.low, p.high),
            Self::Labels => f.write_str("that values are labels is not kept"),
            Self::Inverted => f.write_str("that low values are to be bright is not kept"),
            Self::Axes => f.write_str("axes beyond the fourth are written as times"),
        }
    }
}

impl Loss {
    /// All that a format loses which holds nothing but stored values in a row of slices.
    pub(super) fn of_bare_values(header: &Header) -> Vec<Self> {
        let rescale = header.meaning.rescale.uniform().filter(|r| *r != Rescale::IDENTITY);
        let mut all = Vec::new();
        all.extend(header.grid.geometry.as_ref().map(|g| Self::Spacing(g.spacing_mm)));
        all.extend(header.grid.time_step_s.map(Self::TimeStep));
        all.extend(rescale.map(Self::Rescale));
        all.extend((header.meaning.unit != crate::volume::Unit::Unknown).then_some(Self::Unit));
        all.extend(header.display.inverted.then_some(Self::Inverted));
        all.extend(Self::of_pictures(header));
        all
    }

    /// What a format loses that holds real values and where they lie, and nothing else.
    pub(super) fn of_placed_values(header: &Header) -> Vec<Self> {
        let placed = |loss: &Self| matches!(loss, Self::Unit | Self::Padding(_) | Self::Labels | Self::Inverted);
        Self::of_bare_values(header).into_iter().filter(placed).collect()
    }

    /// What no format of pictures holds.
    pub(super) fn of_pictures(header: &Header) -> Vec<Self> {
        let positioned = header.grid.geometry.as_ref().is_some_and(|g| g.position.is_some());
        let mut all = Vec::new();
        all.extend(positioned.then_some(Self::Position));
        all.extend(header.meaning.padding.map(Self::Padding));
        all.extend(header.meaning.labels.then_some(Self::Labels));
        all
    }
}
