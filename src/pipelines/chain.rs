//! Chains of steps some of which look at neighbours: as they are typed, and as kernels.

use std::path::Path;
use std::str::FromStr;

use super::sums::{SUM_FORMS, SumStep};
use super::whole_step::WholeStep;
use crate::analysis::steps::Chain;
use crate::ops::ball::{MaskBall, Radius};
use crate::ops::mean::MeanBox;
use crate::ops::rank::{Footprint, FootprintShape, MAX_REACH};
use crate::ops::stages::{Stage, Stages};
use crate::volume::Header;
use crate::{Error, Result};

/// Steps in their order: runs of point-wise ones, and between them such that look at neighbours.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterChain(pub Vec<Link>);

/// A part of a chain.
#[derive(Debug, Clone, PartialEq)]
pub enum Link {
    /// Point-wise steps, composed and rounded once.
    Points(Chain),
    /// One step that looks at neighbours.
    Near(Near),
    /// One step that looks at the whole volume.
    Whole(WholeStep),
}

/// A step whose result at a voxel depends on its neighbours.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// As it was typed.
    text: String,
    which: Which,
    reach: Reach,
    shape: FootprintShape,
}

/// What is made of the values around a voxel.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Which {
    Median,
    /// The least: erosion. Beyond the border nothing counts, for what goes on there is in the window already.
    Least,
    /// The greatest: dilation.
    Greatest,
    /// So many percent of them are less.
    Percentile(f64),
    /// Erosion, then dilation.
    Open,
    /// Dilation, then erosion.
    Close,
    /// The image less its opening: what is bright and small.
    TopHat,
    /// The closing less the image: what is dark and small.
    BlackHat,
    /// Dilation less erosion.
    Gradient,
    Mean,
    /// Another sum, which says itself how far it looks.
    Sum(SumStep),
}

/// How far a step looks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reach {
    /// Along all axes.
    Voxels(u32),
    /// Along x, y, z.
    Each([u32; 3]),
    Mm(f64),
}

/// How such steps are written.
pub(super) const FORMS: &str = "median, min, max, erode, dilate, open, close, tophat, blackhat or gradient with :R[:ball], mean:R, or rank:R:PERCENT[:ball]; R is voxels on each side (2, 2x2x1) or mm (2.5mm)";

impl FilterChain {
    /// What a text says, if any of its steps looks at neighbours or farther; none if all are point-wise.
    ///
    /// # Errors
    /// [`Error::Usage`] for a step that is none.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        let mut links: Vec<Link> = Vec::new();
        let mut points: Vec<&str> = Vec::new();
        for step in text.split(',').map(str::trim) {
            let link = match Near::parse(step)? {
                Some(near) => Some(Link::Near(near)),
                None => WholeStep::parse(step)?.map(Link::Whole),
            };
            match link {
                Some(link) => {
                    if !points.is_empty() {
                        links.push(Link::Points(Chain::from_str(&points.join(","))?));
                        points.clear();
                    }
                    links.push(link);
                }
                None => points.push(step),
            }
        }
        if links.is_empty() {
            return Ok(None);
        }
        if !points.is_empty() {
            links.push(Link::Points(Chain::from_str(&points.join(","))?));
        }
        Ok(Some(Self(links)))
    }

    /// A chain of point-wise steps alone.
    pub fn of_points(steps: Chain) -> Self {
        Self(vec![Link::Points(steps)])
    }

    /// How often results of steps are read before they are written: once for each run of point-wise ones, which count them, and for each step that looks at the
    /// whole volume.
    pub fn counting_passes(&self) -> u32 {
        self.0.iter().filter(|link| !matches!(link, Link::Near(_))).count() as u32
    }

    /// How many times the range of the voxels the results may span.
    pub(super) fn spread(&self) -> f64 {
        let each = self.0.iter().map(|link| match link {
            Link::Near(Near { which: Which::Sum(step), .. }) => step.spread(),
            _ => 1.0,
        });
        each.product()
    }

    /// Whether no step counts values: those that look at neighbours compare them as they are stored, and labels are read as they are meant, so that every type will do.
    pub fn only_selects(&self) -> bool {
        self.0.iter().all(|link| match link {
            Link::Points(_) => false,
            Link::Near(near) => !near.sums(),
            Link::Whole(_) => true,
        })
    }

    /// Files that steps read beside their input.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().filter_map(|link| if let Link::Whole(step) = link { step.file() } else { None })
    }
}

impl Near {
    fn parse(text: &str) -> Result<Option<Self>> {
        let wrong = |what: &str| Error::usage(format!("step {text:?}: {what}"), format!("write {FORMS}; or {SUM_FORMS}"));
        let mut words = text.split(':').map(str::trim);
        let name = words.next().unwrap_or_default();
        let mut words: Vec<&str> = words.collect();
        let simple = match name {
            "median" => Some(Which::Median),
            "min" | "erode" => Some(Which::Least),
            "max" | "dilate" => Some(Which::Greatest),
            "open" => Some(Which::Open),
            "close" => Some(Which::Close),
            "tophat" => Some(Which::TopHat),
            "blackhat" => Some(Which::BlackHat),
            "gradient" => Some(Which::Gradient),
            "mean" => Some(Which::Mean),
            "rank" => None,
            _ => {
                let step = SumStep::parse(name, &words).map_err(wrong)?;
                // How far it looks is its own.
                let (reach, shape) = (Reach::Voxels(0), FootprintShape::Box);
                return Ok(step.map(|step| Self { text: text.into(), which: Which::Sum(step), reach, shape }));
            }
        };
        if matches!((simple, words.last()), (Some(Which::Mean), Some(&"ball"))) {
            return Err(wrong("a mean is that of a box"));
        }
        let shape = match words.last() {
            Some(&"ball") => FootprintShape::Ball,
            Some(&"box") => FootprintShape::Box,
            _ => FootprintShape::Box,
        };
        words.pop_if(|word| matches!(*word, "ball" | "box"));
        let which = match simple {
            Some(which) => which,
            None => {
                let percent = if words.len() > 1 { words.pop() } else { None };
                let percent = percent.and_then(|word| word.trim_end_matches('%').parse().ok());
                let percent = percent.filter(|p| (0.0..=100.0).contains(p));
                Which::Percentile(percent.ok_or_else(|| wrong("it takes a reach and a percentile from 0 to 100"))?)
            }
        };
        let [reach] = words.as_slice() else { return Err(wrong("it takes one reach")) };
        let reach = reach.parse().map_err(|what: &str| wrong(what))?;
        Ok(Some(Self { text: text.into(), which, reach, shape }))
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it sums voxels, so that they must be whole numbers.
    pub(super) fn sums(&self) -> bool {
        matches!(self.which, Which::Mean | Which::Sum(_))
    }

    /// The kernels of the step for a volume with this header. What is least and greatest is so among real values, whatever the sign of their slope. Balls beyond the
    /// reach of footprints work on masks, whose two stored values, the less one first, `mask` is asked for.
    ///
    /// # Errors
    /// [`Error::Usage`] for a reach in mm without a spacing, and for one that is larger than the volume or than what there is a kernel for; what `mask` gives.
    pub fn stages(&self, header: &Header, mask: impl FnOnce() -> Result<[u64; 2]>) -> Result<Stages> {
        if let Which::Sum(step) = self.which {
            return Ok(Stages(vec![step.stage(header, &self.text)?]));
        }
        let falling = header.meaning.rescale.of_slice(0).slope < 0.0;
        if let Some(radius) = self.beyond_footprints(header)? {
            let [less, more] = mask()?;
            let [least, greatest] = [[less, more], [more, less]].map(|values| Stage::Ball(MaskBall::new(values, radius)));
            return Ok(self.of_ends(if falling { [greatest, least] } else { [least, greatest] }, falling));
        }
        let footprint = self.footprint(header)?;
        let count = footprint.count();
        // Of the ascending real values.
        let rank = |rank: u32| Stage::Rank(footprint.clone(), if falling { count - 1 - rank } else { rank });
        Ok(match self.which {
            Which::Median => Stages(vec![rank(count / 2)]),
            // As SciPy has it.
            Which::Percentile(percent) => Stages(vec![rank(((f64::from(count) * percent / 100.0) as u32).min(count - 1))]),
            Which::Mean => Stages(vec![Stage::Mean(MeanBox::new(footprint.reach())?)]),
            _ => self.of_ends([rank(0), rank(count - 1)], falling),
        })
    }

    /// What is made of the least and the greatest real values around each voxel.
    fn of_ends(&self, [least, greatest]: [Stage; 2], falling: bool) -> Stages {
        // Of real values; stored ones that fall are the other way round.
        let less = |upper: Vec<Stage>, lower: Vec<Stage>| {
            let (upper, lower) = if falling { (lower, upper) } else { (upper, lower) };
            vec![Stage::Difference(Stages(upper), Stages(lower))]
        };
        Stages(match self.which {
            Which::Least => vec![least],
            Which::Greatest => vec![greatest],
            Which::Open => vec![least, greatest],
            Which::Close => vec![greatest, least],
            Which::TopHat => less(vec![], vec![least, greatest]),
            Which::BlackHat => less(vec![greatest, least], vec![]),
            Which::Gradient => less(vec![greatest], vec![least]),
            Which::Median | Which::Percentile(_) | Which::Mean | Which::Sum(_) => unreachable!("made of more than ends"),
        })
    }

    fn wrong(&self, what: String, hint: &str) -> Error {
        Error::usage(format!("step {:?}: {what}", self.text), hint.to_owned())
    }

    /// The spacing of the voxels, for a reach in mm.
    fn spacing_mm(&self, header: &Header) -> Result<[f64; 3]> {
        let geometry = header.grid.geometry.as_ref();
        let unknown = || self.wrong("the spacing of the voxels is not known".into(), "give the reach in voxels");
        Ok(geometry.ok_or_else(unknown)?.spacing_mm)
    }

    /// The radius of a ball that goes further than footprints do, where the step is made of ends alone.
    fn beyond_footprints(&self, header: &Header) -> Result<Option<Radius>> {
        let takes_ends = !matches!(self.which, Which::Median | Which::Percentile(_) | Which::Mean | Which::Sum(_));
        if self.shape != FootprintShape::Ball || !takes_ends {
            return Ok(None);
        }
        let (radius, spacing) = match self.reach {
            Reach::Voxels(reach) if reach > MAX_REACH => (f64::from(reach), [1.0; 3]),
            Reach::Mm(mm) => (mm, self.spacing_mm(header)?),
            _ => return Ok(None),
        };
        let size = header.grid.shape.xyz();
        let far = (0..3).any(|a| size[a] > 1 && spacing[a] * f64::from(MAX_REACH + 1) <= radius * (1.0 + 1e-9));
        if !far {
            return Ok(None);
        }
        let found = Radius::in_mm(radius, spacing, size.map(|n| n as usize));
        Ok(Some(
            found.ok_or_else(|| self.wrong("the volume lies within the ball around any voxel".into(), "give a shorter reach"))?,
        ))
    }

    fn footprint(&self, header: &Header) -> Result<Footprint> {
        let size = header.grid.shape.xyz();
        let footprint = match self.reach {
            // An axis of one voxel has no neighbours.
            Reach::Mm(mm) => Footprint::in_mm(mm, self.spacing_mm(header)?, size.map(|n| n > 1), self.shape)?,
            // The same on all axes that there are: a picture is flat.
            Reach::Voxels(reach) => Footprint::new(size.map(|n| if n > 1 { reach } else { 0 }), self.shape)?,
            Reach::Each(reach) => Footprint::new(reach, self.shape)?,
        };
        for (axis, (reach, n)) in ["x", "y", "z"].into_iter().zip(footprint.reach().into_iter().zip(size)) {
            if u64::from(reach) >= n && reach > 0 {
                let what = format!("a reach of {reach} voxels along {axis}, where there are {n}");
                return Err(self.wrong(what, "give a reach for each axis, such as 2x2x0"));
            }
        }
        Ok(footprint)
    }
}

impl FromStr for Reach {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        const NONE: &str = "the reach is no number of voxels or mm";
        if let Some(mm) = text.strip_suffix("mm") {
            let mm: f64 = mm.trim().parse().map_err(|_| NONE)?;
            return if mm.is_finite() && mm > 0.0 { Ok(Self::Mm(mm)) } else { Err("the reach is not above 0 mm") };
        }
        let each: Vec<u32> =
            text.split('x').map(|word| word.trim().parse().map_err(|_| NONE)).collect::<std::result::Result<_, _>>()?;
        match *each.as_slice() {
            [0] | [0, 0, 0] => Err("a reach of 0 voxels changes nothing"),
            [all] => Ok(Self::Voxels(all)),
            [x, y] => Ok(Self::Each([x, y, 0])),
            [x, y, z] => Ok(Self::Each([x, y, z])),
            _ => Err("a reach has up to three axes"),
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

    fn one(text: &str, header: &Header) -> Result<([u32; 3], u32, u32)> {
        let chain = FilterChain::parse(text)?.expect("neighbours");
        let [Link::Near(near)] = chain.0.as_slice() else { panic!("{chain:?}") };
        let stages = near.stages(header, || Ok([0, 1]))?;
        let [Stage::Rank(footprint, rank)] = stages.0.as_slice() else { panic!("another step") };
        Ok((footprint.reach(), footprint.count(), *rank))
    }

    #[test]
    fn reaches_are_voxels_or_mm() {
        let ct = header(&[40, 40, 20], Some([0.5, 0.5, 2.5]));
        assert_eq!(one("median:1", &ct).unwrap(), ([1; 3], 27, 13));
        assert_eq!(one("min:2x1x0", &ct).unwrap(), ([2, 1, 0], 15, 0));
        assert_eq!(one("max:2x1", &ct).unwrap(), ([2, 1, 0], 15, 14));
        assert_eq!(one("median:2:ball", &ct).unwrap(), ([2; 3], 33, 16));
        assert_eq!(one("rank:1:25", &ct).unwrap(), ([1; 3], 27, 6));
        assert_eq!(one("rank:1:100%:box", &ct).unwrap(), ([1; 3], 27, 26));
        assert_eq!(one("median:2.5mm", &ct).unwrap(), ([5, 5, 1], 363, 181));
        assert_eq!(one("median:1mm:ball", &ct).unwrap(), ([2, 2, 0], 13, 6));
        // A picture, and a line, have no neighbours across.
        assert_eq!(one("median:2", &header(&[9, 9], None)).unwrap(), ([2, 2, 0], 25, 12));
        assert_eq!(one("median:2:ball", &header(&[9, 9], None)).unwrap(), ([2, 2, 0], 13, 6));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let ct = header(&[40, 40, 3], None);
        for (text, what) in [
            ("median", "one reach"),
            ("median:0", "changes nothing"),
            ("median:-1", "no number of voxels"),
            ("median:x", "no number"),
            ("median:1:1", "one reach"),
            ("median:1x1x1x1", "three axes"),
            ("median:0mm", "above 0 mm"),
            ("median:11", "10"),
            ("median:3", "along z, where there are 3"),
            ("median:2mm", "spacing"),
            ("rank:1", "percentile"),
            ("rank:1:101", "percentile"),
            ("median:1,zcore", "no such step"),
        ] {
            let said = match FilterChain::parse(text) {
                Ok(_) => one(text, &ct).unwrap_err(),
                Err(e) => e,
            };
            assert!(matches!(said, Error::Usage { .. }) && said.to_string().contains(what), "{text}: {said}");
        }
        assert_eq!(FilterChain::parse("minmax,gamma:2").unwrap(), None);
        let chain = FilterChain::parse("clip:0:1, median:1,max:2:ball,zscore,minmax").unwrap().unwrap();
        assert!(
            matches!(chain.0.as_slice(), [Link::Points(_), Link::Near(_), Link::Near(_), Link::Points(last)] if last.steps().len() == 2)
        );
        assert!(!chain.only_selects());
    }
}
