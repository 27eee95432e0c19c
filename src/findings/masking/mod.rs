//! What lies inside and outside of a mask.

mod figure;

pub use figure::MaskSlices;

use super::export::grid;
use super::header::shape;
use super::rows::{Rows, Value};
use super::words::{Digits, count, number, number_among, with_unit};
use super::{Note, Size, StatisticsFinding};
use crate::analysis::statistics::Statistics;
use crate::pipelines::{Side, Sides};
use crate::volume::Header;

type Number = fn(&Statistics) -> f64;

/// Both sides of the mask of an image.
#[derive(Debug, Clone)]
pub struct MaskFinding {
    /// The image.
    pub header: Header,
    /// Both sides.
    pub sides: Sides,
}

impl MaskFinding {
    /// The share of the mask in percent.
    pub fn percent(&self) -> f64 {
        100.0 * self.sides.inside.voxels as f64 / self.header.grid.shape.voxels() as f64
    }

    /// What the reader should know before using the result.
    pub fn notes(&self) -> Vec<Note> {
        (self.sides.inside.voxels == 0).then_some(Note::EmptyMask).into_iter().collect()
    }

    /// The mask's size; `inside` and `outside` hold statistics, or nothing for a side without a finite voxel.
    pub fn rows(&self) -> Rows {
        let side = |side: &Side| StatisticsFinding::side(&self.header, side).map(|finding| finding.rows());
        let mut rows = Rows::new();
        rows.key("voxels", self.sides.inside.voxels);
        rows.key("percent", self.percent());
        let size = Size::new(&self.header);
        if let Some(of_mask) = size.of(self.sides.inside.voxels) {
            rows.add(if size.key == "ml" { "volume_ml" } else { "area_mm2" }, "", of_mask, size.unit);
        }
        rows.key("inside", side(&self.sides.inside));
        rows.key("outside", side(&self.sides.outside));
        rows
    }

    /// The mask's size, then both sides in two columns.
    pub fn text(&self) -> String {
        let header = &self.header;
        let noun = if header.grid.shape.slices() == 1 { "pixels" } else { "voxels" };
        let voxels = self.sides.inside.voxels;
        let mut mask = format!("{} of {} {noun} ({:.2} %)", count(voxels), count(header.grid.shape.voxels()), self.percent());
        let size = Size::new(header);
        if let Some(of_mask) = size.of(voxels) {
            mask += &format!(", {} {}", number(of_mask), size.unit);
        }
        if header.grid.shape.volumes() > 1 {
            mask += " on average over time";
        }
        let mut rows = Rows::new();
        rows.words("mask", mask, "");
        rows.text() + &self.side_by_side(noun)
    }

    fn side_by_side(&self, noun: &'static str) -> String {
        let both = [&self.sides.inside, &self.sides.outside];
        let mut cells = [vec![String::new()], vec!["inside".to_owned()], vec!["outside".to_owned()]];
        let mut add = |name: String, values: [String; 2]| {
            cells.iter_mut().zip(std::iter::once(name).chain(values)).for_each(|(column, cell)| column.push(cell));
        };
        add(noun.into(), both.map(|s| count(s.voxels)));
        let measures: [(&str, Number); 7] = [
            ("min", |s| s.min),
            ("max", |s| s.max),
            ("mean", |s| s.mean),
            ("std", |s| s.std),
            ("percentile 5", |s| s.percentiles[1]),
            ("median", |s| s.median),
            ("percentile 95", |s| s.percentiles[4]),
        ];
        for (name, of) in measures {
            let values = both.map(|s| s.statistics.as_ref().map_or("-".into(), |s| number_among(of(s), s.max - s.min)));
            add(with_unit(name, self.header.meaning.unit.symbol()), values);
        }
        let rest = [("padding", both.map(|s| s.padding)), ("NaN", both.map(|s| s.nan)), ("infinite", both.map(|s| s.infinite))];
        for (name, n) in rest.into_iter().filter(|(_, n)| *n != [0, 0]) {
            add(name.into(), n.map(count));
        }
        let mut left = true;
        grid(&cells.map(|column| (column, std::mem::take(&mut left))))
    }
}

/// What a table of masks has of each side.
const MEASURES: [(&str, Number); 5] =
    [("mean", |s| s.mean), ("std", |s| s.std), ("min", |s| s.min), ("max", |s| s.max), ("median", |s| s.median)];

/// Many images with their masks, by name, as a table: one line each, and as many columns where there are none.
pub fn mask_table(all: &[(String, MaskFinding)]) -> Rows {
    let column = |of: &dyn Fn(&MaskFinding) -> Value| Value::List(all.iter().map(|(_, one)| of(one)).collect());
    let axis = |axis: usize| column(&|one| one.header.grid.shape.xyz()[axis].into());
    let size = |one: &MaskFinding| {
        let [width, height, _] = one.header.grid.shape.xyz();
        Value::from([width, height]).read_as(format!("{width} x {height}"))
    };
    let mut rows = Rows::new();
    rows.add("image", "image", Value::from(all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>()), "");
    rows.words("size", column(&size), "");
    rows.key("width", axis(0));
    rows.key("height", axis(1));
    rows.key("pixels", column(&|one| one.header.grid.shape.voxels().into()));
    rows.add("mask_pixels", "mask pixels", column(&|one| Value::digits(one.sides.inside.voxels)), "");
    rows.add("percent", "%", column(&|one| Value::from(one.percent()).read_as(format!("{:.2}", one.percent()))), "");
    for (name, side) in [("inside", (|s| &s.inside) as fn(&Sides) -> &Side), ("outside", |s| &s.outside)] {
        for (measure, of) in MEASURES {
            // People read mean and deviation, to four places where these say something.
            let words = match measure {
                "mean" => format!("mean {name}"),
                "std" => "std".into(),
                _ => String::new(),
            };
            let rounded = |s: &Statistics| match Digits::new(4, if s.std > 0.0 { s.std } else { s.mean.abs() }, 0.0) {
                Digits::Decimals(4) => number((of(s) * 1e4).round() / 1e4),
                _ => number_among(of(s), s.std),
            };
            let read = |s: &Statistics| Value::from(of(s)).read_as(rounded(s));
            let values = column(&|one| side(&one.sides).statistics.as_ref().map(read).into());
            rows.add(format!("{measure}_{name}"), words, values, "");
        }
    }
    rows
}

/// One image of many: its name and shape before what lies on both sides of its mask.
pub fn mask_rows(name: &str, finding: &MaskFinding) -> Rows {
    let mut rows = Rows::new();
    rows.key("image", name);
    rows.key("shape", shape(&finding.header));
    rows.extend(finding.rows());
    rows
}
