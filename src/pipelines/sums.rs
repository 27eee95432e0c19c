//! Steps that sum over neighbours: as they are typed, and as kernels.

use std::str::FromStr;

use crate::ops::derivative::{Derivative, DerivativeKind};
use crate::ops::gaussian::Smoothing;
use crate::ops::stages::Stage;
use crate::volume::Header;
use crate::{Error, Result};

/// A step whose results are sums of what lies around a voxel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum SumStep {
    Gaussian(Sigma),
    /// The image and so many times what the Gaussian takes away.
    Unsharp(Sigma, f64),
    GradientMagnitude,
    Laplacian,
}

/// The standard deviation of a Gaussian.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Sigma {
    /// Along all axes.
    Voxels(f64),
    /// Along x, y, z.
    Each([f64; 3]),
    Mm(f64),
}

/// Width at half height of a Gaussian, in standard deviations: 2 sqrt(2 ln 2).
const FWHM: f64 = 2.354_820_045_030_949_3;

/// How such steps are written.
pub(super) const SUM_FORMS: &str = "gaussian:S, unsharp:S[:AMOUNT], gradmag or laplace; S is the standard deviation in voxels (2, 2x2x1) or mm (1.5mm), or the width at half height (6mm-fwhm)";

impl SumStep {
    /// What a name and the words behind it say; none if it is another step.
    ///
    /// # Errors
    /// In words: what is wrong.
    pub fn parse(name: &str, words: &[&str]) -> std::result::Result<Option<Self>, &'static str> {
        let sigma = |words: &[&str]| match words {
            [sigma] => sigma.parse(),
            _ => Err("it takes one standard deviation"),
        };
        Ok(Some(match name {
            "gaussian" => Self::Gaussian(sigma(words)?),
            "unsharp" => match words {
                [sigma_word, amount] => {
                    let amount = amount.parse().map_err(|_| "the amount is no number")?;
                    Self::Unsharp(sigma(&[sigma_word])?, amount)
                }
                words => Self::Unsharp(sigma(words)?, 1.0),
            },
            "gradmag" | "laplace" if !words.is_empty() => return Err("it takes no number"),
            "gradmag" => Self::GradientMagnitude,
            "laplace" => Self::Laplacian,
            _ => return Ok(None),
        }))
    }

    /// How many times the range of what it takes its results may span.
    pub fn spread(self) -> f64 {
        match self {
            // As much beyond either end as a voxel may differ from the Gaussian, times the amount.
            Self::Unsharp(_, amount) if amount > 0.0 => 1.0 + 2.0 * amount,
            _ => 1.0,
        }
    }

    /// The kernel for a volume with this header, of the step that was typed as `text`.
    ///
    /// # Errors
    /// [`Error::Usage`] for mm without a spacing, and for a Gaussian that is too wide.
    pub fn stage(self, header: &Header, text: &str) -> Result<Stage> {
        let spacing_mm = header.grid.geometry.as_ref().map(|geometry| geometry.spacing_mm);
        let gaussian = |sigma: Sigma| -> Result<Smoothing> {
            // Axes of one voxel have no neighbours.
            let there = header.grid.shape.xyz().map(|n| f64::from(u8::from(n > 1)));
            let each = match sigma {
                Sigma::Voxels(all) => [all; 3],
                Sigma::Each(each) => each,
                Sigma::Mm(mm) => {
                    let unknown = || {
                        let what = format!("step {text:?}: the spacing of the voxels is not known");
                        Error::usage(what, "give the standard deviation in voxels")
                    };
                    spacing_mm.ok_or_else(unknown)?.map(|spacing| mm / spacing)
                }
            };
            Smoothing::new([0, 1, 2].map(|a| each[a] * there[a]))
        };
        let derivative = |kind| Derivative::new(kind, spacing_mm.unwrap_or([1.0; 3])).map(Stage::Derivative);
        match self {
            Self::Gaussian(sigma) => gaussian(sigma).map(Stage::Gaussian),
            Self::Unsharp(sigma, amount) => gaussian(sigma)?.sharpening(amount).map(Stage::Gaussian),
            Self::GradientMagnitude => derivative(DerivativeKind::GradientMagnitude),
            Self::Laplacian => derivative(DerivativeKind::Laplacian),
        }
    }
}

impl FromStr for Sigma {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        const NONE: &str = "the standard deviation is no number of voxels or mm";
        let number = |text: &str| text.trim().parse::<f64>().map_err(|_| NONE);
        let (width, share) = text.strip_suffix("-fwhm").map_or((text, 1.0), |width| (width, 1.0 / FWHM));
        let positive =
            |v: f64| if v.is_finite() && v > 0.0 { Ok(v * share) } else { Err("the standard deviation is not above 0") };
        if let Some(mm) = width.strip_suffix("mm") {
            return positive(number(mm)?).map(Self::Mm);
        }
        let each: Vec<f64> = width.split('x').map(number).collect::<std::result::Result<_, _>>()?;
        match *each.as_slice() {
            [all] => positive(all).map(Self::Voxels),
            [x, y] => Ok(Self::Each([x, y, 0.0].map(|v| v * share))),
            [x, y, z] => Ok(Self::Each([x, y, z].map(|v| v * share))),
            _ => Err("a standard deviation has up to three axes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Dtype, Geometry, Shape};

    fn header(axes: &[u64], spacing_mm: Option<[f64; 3]>) -> Header {
        Header::new(Shape::new(axes).unwrap(), Dtype::I16).with(|h| h.grid.geometry = spacing_mm.map(Geometry::spacing))
    }

    fn stage(text: &str, header: &Header) -> Result<Stage> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let words: Vec<&str> = if rest.is_empty() { Vec::new() } else { rest.split(':').collect() };
        let step = SumStep::parse(name, &words).map_err(|what| Error::usage(what, "write it so"))?.expect("a step");
        step.stage(header, text)
    }

    #[test]
    fn widths_are_voxels_or_mm() {
        let ct = header(&[40, 40, 20], Some([0.5, 0.5, 2.0]));
        let of = |sigma| Stage::Gaussian(Smoothing::new(sigma).unwrap());
        assert_eq!(stage("gaussian:2", &ct).unwrap(), of([2.0; 3]));
        assert_eq!(stage("gaussian:2x1", &ct).unwrap(), of([2.0, 1.0, 0.0]));
        assert_eq!(stage("gaussian:1.5mm", &ct).unwrap(), of([3.0, 3.0, 0.75]));
        let Stage::Gaussian(fwhm) = stage("gaussian:6mm-fwhm", &ct).unwrap() else { panic!("another step") };
        assert_eq!(fwhm.reach(), [21, 21, 6]);
        assert_eq!(stage("gaussian:2", &header(&[9, 9], None)).unwrap(), of([2.0, 2.0, 0.0]));
        let sharper = Stage::Gaussian(Smoothing::new([1.0; 3]).unwrap().sharpening(0.5).unwrap());
        assert_eq!(stage("unsharp:1:0.5", &ct).unwrap(), sharper);
        assert!(matches!(stage("gradmag", &ct).unwrap(), Stage::Derivative(_)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let ct = header(&[40, 40, 3], None);
        for (text, what) in [
            ("gaussian", "one standard deviation"),
            ("gaussian:0", "above 0"),
            ("gaussian:-1", "above 0"),
            ("gaussian:x", "no number"),
            ("gaussian:nan", "above 0"),
            ("gaussian:1:2", "one standard deviation"),
            ("gaussian:1x1x1x1", "three axes"),
            ("gaussian:0x0x0", "positive"),
            ("gaussian:-1x1x1", "positive"),
            ("gaussian:33", "32"),
            ("gaussian:2mm", "spacing"),
            ("unsharp:1:x", "no number"),
            ("unsharp:1:9", "at most 8"),
            ("laplace:1", "no number"),
        ] {
            let said = stage(text, &ct).unwrap_err();
            let Error::Usage { .. } = &said else { panic!("{said}") };
            assert!(format!("{said:?} {said}").contains(what), "{text}: {said:?}");
        }
    }
}
