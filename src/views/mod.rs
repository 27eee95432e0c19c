//! Sources made of sources, and sinks before sinks: the same voxels seen another way. They know blocks, never devices or whole jobs.

mod combined;
mod confined;
mod filtered;
mod foreground;
mod leveled;
mod narrow;
mod patched;
mod selected;
mod tap;
mod turned;

pub use combined::Combined;
pub use confined::{Confined, Zone};
pub use filtered::Filtered;
pub use foreground::Foreground;
pub use leveled::{Leveled, RealFunction, Unleveled};
pub use narrow::Narrow;
pub use patched::{Patch, Patched};
pub use selected::{Labelled, MaskBy, RealValues, Selected};
pub use tap::{Nowhere, Tap};
pub use turned::{Held, Turned};
