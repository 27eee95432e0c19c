//! What is open: a volume on the device, what is known of it, and its labels.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hounsfield::analysis::statistics::Statistics;
use hounsfield::engine::GpuVolume;
use hounsfield::io::Source;
use hounsfield::report::{Plane, View};
use hounsfield::volume::{Counts, Header, Rescale};

/// A volume, or one point in time of a series.
pub struct Study {
    /// What it is called: the last part of its path.
    pub name: String,
    /// Where it came from; empty for the phantom.
    pub paths: Vec<PathBuf>,
    /// Which series of a folder, counted from 1.
    pub series: Option<u32>,
    /// The voxels in their file, as kernels take them.
    pub source: Arc<dyn Source>,
    /// The point in time that lies on the device.
    pub time: u64,
    /// The voxels on the device.
    pub volume: GpuVolume,
    /// Only every so many-th voxel along each axis lies there: 1 for all of them.
    pub coarse: u64,
    /// From values on the device to real ones.
    pub rescale: Rescale,
    /// How often each value occurs, of 8- and 16-bit whole numbers.
    pub counts: Option<Counts>,
    /// Of real values.
    pub statistics: Option<Statistics>,
}

impl Study {
    /// A volume that the caller has on the device already; the source says what its voxels mean, and gives single ones.
    pub fn of(name: impl Into<String>, source: Arc<dyn Source>, volume: GpuVolume) -> Self {
        let rescale = source.header().meaning.rescale.of_slice(0);
        Self {
            name: name.into(),
            paths: Vec::new(),
            series: None,
            source,
            time: 0,
            volume,
            coarse: 1,
            rescale,
            counts: None,
            statistics: None,
        }
    }

    /// What the voxels mean.
    pub fn header(&self) -> &Header {
        self.source.header()
    }

    /// Voxels along x, y and z.
    pub fn shape(&self) -> [u64; 3] {
        self.header().grid.shape.xyz()
    }

    /// Voxels along each axis on the device.
    pub fn shape_on_device(&self) -> [u64; 3] {
        self.shape().map(|n| n.div_ceil(self.coarse))
    }

    /// How a plane lies on screen.
    pub fn view(&self, plane: Plane) -> View {
        View::new(self.header(), plane)
    }

    /// Whether planes are the patient's only nearly.
    pub fn is_oblique(&self) -> bool {
        self.view(Plane::Axial).oblique()
    }

    /// The stored value of a voxel, read from the file.
    pub fn stored(&self, [x, y, z]: [u64; 3], time: u64) -> Option<f64> {
        let dtype = self.header().meaning.dtype;
        let [nx, ny, nz] = self.shape();
        let mut bytes = vec![0; dtype.bytes()];
        self.source.read(((time * nz + z) * ny + y) * nx + x, &mut bytes).ok()?;
        Some(dtype.decode(&bytes))
    }

    /// The real value of a voxel, read from the file.
    pub fn real(&self, voxel: [u64; 3], time: u64) -> Option<f64> {
        let slice = time * self.shape()[2] + voxel[2];
        self.stored(voxel, time).map(|stored| self.header().meaning.rescale.of_slice(slice).real(stored))
    }

    /// Where a voxel lies, in mm towards left, posterior and superior.
    pub fn position_mm(&self, voxel: [u64; 3]) -> Option<[f64; 3]> {
        let matrix = self.header().grid.geometry.as_ref()?.lps_matrix()?;
        Some(matrix.map(|row| row[3] + (0..3).map(|axis| row[axis] * voxel[axis] as f64).sum::<f64>()))
    }
}

/// Labels of the same voxels.
pub struct LabelLayer {
    /// What it is called.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// On the device, u8 or u16, as the volume lies there.
    pub volume: GpuVolume,
    /// Labels as they are read.
    pub source: Arc<dyn Source>,
    /// Names by number.
    pub names: BTreeMap<u16, String>,
    /// Voxels of each label but 0.
    pub voxels: BTreeMap<u32, u64>,
}

impl LabelLayer {
    /// The label of a voxel.
    pub fn at(&self, [x, y, z]: [u64; 3]) -> Option<u32> {
        let header = self.source.header();
        let [nx, ny, _] = header.grid.shape.xyz();
        let mut bytes = vec![0; header.meaning.dtype.bytes()];
        self.source.read((z * ny + y) * nx + x, &mut bytes).ok()?;
        Some(header.meaning.rescale.of_slice(z).real(header.meaning.dtype.decode(&bytes)).round() as u32)
    }

    /// What a label is called.
    pub fn label_name(&self, label: u32) -> String {
        let named = u16::try_from(label).ok().and_then(|label| self.names.get(&label));
        named.map_or_else(|| format!("label {label}"), Clone::clone)
    }
}
