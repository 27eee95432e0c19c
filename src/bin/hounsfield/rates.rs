//! How fast this machine is, as `devices --calibrate` measured it: kept in the user's cache folder.

use std::path::PathBuf;

use hounsfield::pipelines::{KnownGpu, Rates};
use hounsfield::{Error, Result};
use serde_json::{Value, json};

/// Where it is kept; nowhere if the user has no folder.
fn place() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Caches"))
    } else {
        folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))
    };
    cache.map(|cache| cache.join("hounsfield/rates.json"))
}

/// What was measured here, else what is assumed.
pub fn stored() -> Rates {
    let text = place().and_then(|path| std::fs::read(path).ok());
    text.and_then(|text| serde_json::from_slice(&text).ok()).and_then(|value| from_json(&value)).unwrap_or_default()
}

/// Keeps what was measured, and says where.
///
/// # Errors
/// A folder that cannot be written.
pub fn keep(rates: &Rates) -> Result<PathBuf> {
    let path = place().ok_or_else(|| Error::usage("no folder to keep rates in", "set XDG_CACHE_HOME or HOME"))?;
    let folder = path.parent().unwrap_or(&path);
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, format!("{:#}\n", as_json(rates))));
    written.map_err(Error::write(&path))?;
    Ok(path)
}

/// The rates, with their units.
pub fn as_json(rates: &Rates) -> Value {
    let gpu = match &rates.gpu {
        KnownGpu::Assumed => json!(null),
        KnownGpu::Absent => json!(false),
        KnownGpu::Named(name) => json!(name),
    };
    json!({
        "gpu": gpu,
        "cpu_speed": rates.cpu_speed,
        "transfer_bytes_per_s": rates.transfer_bytes_per_s,
        "gpu_looks_per_s": rates.gpu_looks_per_s,
        "start_s": rates.start_s,
    })
}

/// None where a rate is missing or is none.
fn from_json(value: &Value) -> Option<Rates> {
    let rate = |name: &str| value[name].as_f64().filter(|v| v.is_finite() && *v > 0.0);
    Some(Rates {
        gpu: match &value["gpu"] {
            Value::String(name) => KnownGpu::Named(name.clone()),
            Value::Bool(false) => KnownGpu::Absent,
            _ => KnownGpu::Assumed,
        },
        cpu_speed: rate("cpu_speed")?,
        transfer_bytes_per_s: rate("transfer_bytes_per_s")?,
        gpu_looks_per_s: rate("gpu_looks_per_s")?,
        start_s: rate("start_s")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_come_back_as_they_were_kept() {
        let rates = Rates { gpu: KnownGpu::Named("a".into()), cpu_speed: 1.5, ..Rates::default() };
        assert_eq!(from_json(&as_json(&rates)), Some(rates.clone()));
        let mut damaged = as_json(&rates);
        damaged["start_s"] = json!("soon");
        assert_eq!(from_json(&damaged), None);
    }
}
