//! What is measured, and how it is shown.

use hounsfield::report::Bar;
use serde_json::{Value, json};

use super::measure::Samples;

/// One operation on one device.
pub struct Measurement {
    pub operation: &'static str,
    pub device: String,
    /// With the voxels where the device has them.
    pub compute: Samples,
    /// Whether `compute` was taken by the device's own clock.
    pub by_device: bool,
    /// Voxels to the device and results back; none on the CPU.
    pub transfer: Option<Samples>,
    /// From one file to another, or to an answer.
    pub file: Option<Samples>,
    /// Bytes that the computation must read and write.
    pub bytes: u64,
    /// Bytes per second that a plain copy reads and writes on this device, where it is what limits the operation.
    pub bandwidth: Option<f64>,
    /// CRC-32 of the result.
    pub hash: u32,
    /// What `--device auto` expects of it, where it looks.
    pub predicted: Option<Predicted>,
}

/// A job in memory, with its transfers: seconds as `--device auto` predicts them, and as they were.
pub struct Predicted {
    pub job_s: f64,
    pub measured_s: f64,
}

impl Measurement {
    fn rate(&self) -> f64 {
        self.bytes as f64 / self.compute.median()
    }
}

/// The table for people.
pub fn as_text(rows: &[Measurement]) -> String {
    let mut out = format!(
        "{:<11} {:<28} {:>11} {:>8} {:>7} {:>8} {:>11} {:>11} {:>12} {:>11}  {}\n",
        "operation",
        "device",
        "compute ms",
        "GB/s",
        "% copy",
        "speed-up",
        "transfer ms",
        "file ms",
        "predicted ms",
        "measured ms",
        "result"
    );
    for row in rows {
        let ms = |s: &Option<Samples>| s.as_ref().map_or("-".to_owned(), time);
        let speed_up = baseline(rows, row).map_or("-".to_owned(), |s| format!("{s:.1}x"));
        out += &format!(
            "{:<11} {:<28} {:>11} {:>8.1} {:>7} {:>8} {:>11} {:>11} {:>12} {:>11}  {:08x}{}\n",
            row.operation,
            row.device.chars().take(28).collect::<String>(),
            time(&row.compute),
            row.rate() / 1e9,
            row.bandwidth.map_or("-".to_owned(), |bandwidth| format!("{:.0}", 100.0 * row.rate() / bandwidth)),
            speed_up,
            ms(&row.transfer),
            ms(&row.file),
            row.predicted.as_ref().map_or("-".to_owned(), |p| format!("{:.1}", 1e3 * p.job_s)),
            row.predicted.as_ref().map_or("-".to_owned(), |p| format!("{:.1}", 1e3 * p.measured_s)),
            row.hash,
            if agrees(rows, row) { "" } else { "  DIFFERS" }
        );
    }
    out += "Medians; ~ marks figures whose middle half spreads by more than a quarter: noise. Speed-up is over one CPU thread.\n";
    if rows.iter().any(|r| r.predicted.is_some()) {
        out += "Predicted is what --device auto expects of a job in memory with its transfers, and measured what it took. Work that looks at neighbours is measured on the first 32 slices.\n";
    }
    if rows.iter().any(|r| !r.by_device && r.transfer.is_some()) {
        out += "This driver gives no timestamps: GPU compute is wall time from submission to completion.\n";
    }
    out
}

fn time(s: &Samples) -> String {
    format!("{}{:.3}", if s.is_noise() { "~" } else { "" }, 1e3 * s.median())
}

/// How many times faster than the first device, one CPU thread.
fn baseline(rows: &[Measurement], row: &Measurement) -> Option<f64> {
    let first = rows.iter().find(|r| r.operation == row.operation)?;
    Some(first.compute.median() / row.compute.median())
}

/// Whether a result is the one that the first device gave.
pub fn agrees(rows: &[Measurement], row: &Measurement) -> bool {
    rows.iter().find(|r| r.operation == row.operation).is_none_or(|first| first.hash == row.hash)
}

/// The same for machines.
pub fn as_json(rows: &[Measurement]) -> Value {
    let samples = |s: &Samples| json!({"median_s": s.median(), "spread": s.spread(), "noise": s.is_noise()});
    rows.iter()
        .map(|row| {
            json!({
                "operation": row.operation,
                "device": row.device,
                "compute": samples(&row.compute),
                "compute_by_device_clock": row.by_device,
                "transfer": row.transfer.as_ref().map(samples),
                "file_to_file": row.file.as_ref().map(samples),
                "bytes": row.bytes,
                "bytes_per_s": row.rate(),
                "share_of_copy_bandwidth": row.bandwidth.map(|bandwidth| row.rate() / bandwidth),
                "speed_up": baseline(rows, row),
                "crc32": format!("{:08x}", row.hash),
                "predicted_s": row.predicted.as_ref().map(|p| p.job_s),
                "measured_s": row.predicted.as_ref().map(|p| p.measured_s),
                "agrees": agrees(rows, row),
            })
        })
        .collect()
}

/// Bars of one operation, a device each, in GB/s.
pub fn bars(rows: &[Measurement], operation: &str) -> Vec<Bar> {
    let own = rows.iter().filter(|r| r.operation == operation);
    own.map(|r| Bar { name: r.device.clone(), value: r.rate() / 1e9 }).collect()
}
