//! Steps of `hounsfield map` that images go through before they are measured: the library's own chain, so that a network sees what every other command would give.

use std::sync::Arc;

use hounsfield::Result;
use hounsfield::analysis::steps::Chain;
use hounsfield::io::Source;
use hounsfield::pipelines::{Device, FilterChain, FilterOptions, Filtering, Input, Mapping, Pointwise, Run, into_memory};
use hounsfield::volume::{Dtype, Header, Shape, Volume};

use crate::data::{Plane, real_values};

/// Whether these are steps: asked before anything is read.
///
/// # Errors
/// In words.
pub fn steps(text: &str) -> Result<String, String> {
    match FilterChain::parse(text) {
        Ok(Some(_)) => Ok(text.to_owned()),
        Ok(None) => text.parse::<Chain>().map(|_| text.to_owned()).map_err(|e| e.to_string()),
        Err(e) => Err(e.to_string()),
    }
}

/// An image or a volume after its steps, in memory.
///
/// # Errors
/// What the steps give, or reading.
pub fn through(source: Arc<dyn Source>, steps: Option<&str>) -> Result<Arc<dyn Source>> {
    let Some(steps) = steps else { return Ok(source) };
    let device = Device::cpu();
    let run = Run::silent(&device);
    let input = Input::resolve(source, &run)?;
    let volume = match FilterChain::parse(steps)? {
        Some(chain) => {
            let job = Filtering::new(&input, &chain, &FilterOptions::default(), &run)?;
            into_memory(job.header(), |sink| job.write(sink, &run))?
        }
        None => {
            let job = Mapping::new(&input, &Pointwise::new(steps.parse()?), &run)?;
            into_memory(job.header(), |sink| job.write(sink, &run))?
        }
    };
    Ok(Arc::new(volume))
}

/// The same of numbers in rows.
///
/// # Errors
/// As [`through`].
pub fn plane_through(plane: Plane, steps: Option<&str>) -> Result<Plane> {
    if steps.is_none() {
        return Ok(plane);
    }
    let Plane { width, height, values } = plane;
    let Some(shape) = Shape::new(&[width as u64, height as u64]) else { return Ok(Plane { width, height, values }) };
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let volume = Volume::new(Header::new(shape, Dtype::F32), bytes)?;
    let values = real_values(through(Arc::new(volume), steps)?.as_ref())?;
    Ok(Plane { width, height, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_go_through_points_and_neighbours() {
        let plane = Plane { width: 3, height: 3, values: vec![0.0, 1.0, 2.0, 3.0, 40.0, 5.0, 6.0, 7.0, 8.0] };
        let of = |text: &str| plane_through(plane.clone(), Some(text)).unwrap().values;
        assert_eq!(of("clip:2:6"), [2.0, 2.0, 2.0, 3.0, 6.0, 5.0, 6.0, 6.0, 6.0]);
        assert_eq!(of("median:1")[4], 5.0);
        assert_eq!(plane_through(plane.clone(), None).unwrap(), plane);
        assert!(steps("median:1,clip:0:5").is_ok() && steps("nonsense:1").is_err());
    }
}
