//! `hounsfield devices`: what GPUs there are, whether they compute right, and what auto takes.

use hounsfield::Result;
use hounsfield::engine::{Adapter, Gpu, adapters, install_hint};
use hounsfield::ops::selfcheck::{self, Outcome};
use hounsfield::pipelines::{self, KnownGpu, Rates};
use serde_json::{Value, json};

use crate::args::Shared;
use crate::rates;
use crate::text::{print, print_json};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Measure the CPU and the hardware GPU once, in a few seconds, for --device auto to decide by; kept in the user's cache folder
    #[arg(long)]
    pub calibrate: bool,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let kept = args.calibrate.then(|| pipelines::calibrate().and_then(|rates| rates::keep(&rates))).transpose()?;
    let rates = rates::stored();
    let found = adapters();
    let checks: Vec<Result<Vec<Outcome>, String>> = found.iter().map(check).collect();
    if shared.json {
        let list: Vec<Value> = found.iter().zip(&checks).map(|(a, c)| as_json(a, c)).collect();
        return print_json(
            &json!({ "adapters": list, "auto": auto(&found, &rates), "rates": rates::as_json(&rates), "notes": [] }),
        );
    }
    let mut out = String::new();
    for (adapter, check) in found.iter().zip(&checks) {
        out += &as_text(adapter, check);
    }
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    out += &format!("CPU: {threads} threads\n");
    if found.is_empty() {
        out += &format!("No GPU adapter: {}. Everything works without one.\n", install_hint());
    }
    out += &format!("--device auto: {}\n", auto(&found, &rates));
    if let Some(kept) = kept {
        out += &format!("measured, and kept in {}\n", kept.display());
    }
    print(&out)
}

fn check(adapter: &Adapter) -> Result<Vec<Outcome>, String> {
    if !adapter.usable {
        return Err("it has no compute shaders".into());
    }
    Gpu::open_adapter(adapter.clone()).map(|gpu| selfcheck::run(&gpu)).map_err(|e| crate::words::device(&e))
}

fn auto(found: &[Adapter], rates: &Rates) -> String {
    if !found.iter().any(|a| a.usable && !a.software) {
        return "the CPU, for there is no hardware GPU; the bits are the same".into();
    }
    let Rates { cpu_speed, transfer_bytes_per_s, gpu_looks_per_s, start_s, .. } = rates;
    let numbers = format!(
        "{cpu_speed:.2} of the reference's speed for a thread of the CPU, {:.1} GB/s to the GPU and back, {:.0} G reads of a neighbour a second, {start_s:.2} s to begin",
        transfer_bytes_per_s / 1e9,
        gpu_looks_per_s / 1e9
    );
    let which = match &rates.gpu {
        KnownGpu::Named(name) => format!("measured here for {name}"),
        KnownGpu::Absent => {
            "not for the GPU, which was not there when this machine was measured; `devices --calibrate` measures it".into()
        }
        KnownGpu::Assumed => "assumed; `devices --calibrate` measures them".into(),
    };
    format!(
        "the CPU for one pass over a file; the GPU for steps that look at neighbours where it is predicted to be faster, by these rates: {numbers} ({which})"
    )
}

fn as_text(adapter: &Adapter, check: &Result<Vec<Outcome>, String>) -> String {
    let (info, limits) = (&adapter.info, &adapter.limits);
    let mib = |bytes: u64| bytes >> 20;
    let mut out = format!(
        "{}: {} ({:?}, {:?}{})\n   driver     {} {}\n   limits     binding {} MiB, buffer {} MiB, workgroup memory {} KiB, {} groups\n",
        adapter.index,
        info.name,
        info.backend,
        info.device_type,
        if adapter.software { ": software, only taken by --device gpu" } else { "" },
        info.driver,
        info.driver_info,
        mib(limits.max_storage_buffer_binding_size),
        mib(limits.max_buffer_size),
        limits.max_compute_workgroup_storage_size >> 10,
        limits.max_compute_workgroups_per_dimension,
    );
    match check {
        Err(e) => out += &format!("   self-check not run: {e}\n"),
        Ok(outcomes) => {
            let failed: Vec<&Outcome> = outcomes.iter().filter(|o| o.failure.is_some()).collect();
            if failed.is_empty() {
                out += &format!(
                    "   self-check passed: {} cases, as on the CPU, or within the kernel's stated bound\n",
                    outcomes.len()
                );
            }
            for o in failed {
                out +=
                    &format!("   self-check FAILED: {} ({}): {}\n", o.kernel, o.case, o.failure.as_deref().unwrap_or_default());
            }
        }
    }
    out
}

fn as_json(adapter: &Adapter, check: &Result<Vec<Outcome>, String>) -> Value {
    let (info, limits) = (&adapter.info, &adapter.limits);
    let failures = |outcomes: &[Outcome]| -> Vec<Value> {
        let failed = outcomes.iter().filter(|o| o.failure.is_some());
        failed.map(|o| json!({"kernel": o.kernel, "case": o.case, "failure": o.failure})).collect()
    };
    json!({
        "index": adapter.index,
        "name": info.name,
        "backend": format!("{:?}", info.backend),
        "kind": format!("{:?}", info.device_type),
        "software": adapter.software,
        "driver": info.driver,
        "driver_info": info.driver_info,
        "max_storage_buffer_binding_size": limits.max_storage_buffer_binding_size,
        "max_buffer_size": limits.max_buffer_size,
        "max_compute_workgroup_storage_size": limits.max_compute_workgroup_storage_size,
        "max_compute_workgroups_per_dimension": limits.max_compute_workgroups_per_dimension,
        "self_check": match check {
            Ok(outcomes) => json!({"cases": outcomes.len(), "failures": failures(outcomes)}),
            Err(e) => json!({"error": e}),
        },
    })
}
