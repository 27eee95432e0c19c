//! `hounsfield view`: shows a scan in a window.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use eframe::egui;
use hounsfield_view::{App, Opening, Scene, device};

/// Show a volume: linked planes, a projection, labels; without a file a made-up chest
#[derive(Debug, Parser)]
#[command(name = "hounsfield-view", bin_name = "hounsfield view", version, max_term_width = 100)]
#[command(
    after_help = "In the window, ? lists keys and mouse. Exit codes: 0 done, 2 usage, 5 no display or no device.\nNot a medical device."
)]
struct Args {
    /// Files, or a folder
    #[arg(value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// Labels of the same voxels
    #[arg(long, value_name = "FILE")]
    overlay: Option<PathBuf>,
    /// Which of several series of a folder, from 1
    #[arg(long, value_name = "N")]
    series: Option<u32>,
    /// A device, by a part of its name [default: the fastest that can show a window]
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Most MiB of voxels on the device: of a larger volume every n-th voxel lies there [default: what the device allows]
    #[arg(long, value_name = "MIB")]
    memory: Option<u64>,
    /// What is shown, as the export dialog writes it
    #[arg(long, value_name = "JSON", value_parser = scene)]
    scene: Option<Scene>,
    /// Said in the window when it opens
    #[arg(long, hide = true)]
    note: Option<String>,
}

fn scene(text: &str) -> Result<Scene, String> {
    serde_json::from_str(text).map_err(|error| format!("no scene of this program: {error}"))
}

/// What stays of the window when it closes.
#[derive(Default)]
struct End {
    /// What a new window begins with, because the device was lost.
    restart: Option<Opening>,
}

/// The window as eframe wants it.
struct Window {
    app: App,
    end: std::sync::Arc<std::sync::Mutex<End>>,
}

impl eframe::App for Window {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        if self.app.is_lost() {
            if let Ok(mut end) = self.end.lock() {
                end.restart = Some(self.app.opening());
            }
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
            return;
        }
        self.app.show(ui);
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let end = std::sync::Arc::<std::sync::Mutex<End>>::default();
    let opening = Opening {
        paths: args.paths.clone(),
        series: args.series,
        overlay: args.overlay.clone(),
        scene: args.scene.clone(),
        note: args.note.clone(),
        most_bytes: args.memory.map(|mebibytes| mebibytes << 20),
    };
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("hounsfield view")
            .with_inner_size([1280.0, 860.0])
            .with_drag_and_drop(true),
        wgpu_options: device::setup(args.device.clone()),
        // Greys are what was computed, to the last bit.
        dithering: false,
        ..eframe::NativeOptions::default()
    };
    let ours = end.clone();
    let shown = eframe::run_native(
        "hounsfield view",
        options,
        Box::new(move |context| {
            let state = context.wgpu_render_state.as_ref().ok_or("there is no device for the window")?;
            Ok(Box::new(Window { app: App::new(state, &context.egui_ctx, opening), end: ours }))
        }),
    );
    if let Err(error) = shown {
        eprintln!("hounsfield view: {}", no_window(&error));
        return ExitCode::from(5);
    }
    let restart = end.lock().ok().and_then(|mut end| end.restart.take());
    restart.map_or(ExitCode::SUCCESS, |opening| again(&args, &opening))
}

/// Why there is no window, and what to do.
fn no_window(error: &eframe::Error) -> String {
    let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    let remedy = "use hounsfield slice, or --figure and --report of other commands, which write pictures to files";
    match error {
        eframe::Error::Wgpu(error) => format!("no device that can show a window: {error}; {remedy}"),
        _ if display || !cfg!(target_os = "linux") => format!("the display cannot be opened; {remedy}"),
        _ => format!("there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set); {remedy}"),
    }
}

/// The program once more, with all that was on the screen: a second window in one process cannot be opened everywhere, and the old device is gone.
fn again(args: &Args, opening: &Opening) -> ExitCode {
    let Ok(program) = std::env::current_exe() else { return ExitCode::from(5) };
    let mut command = std::process::Command::new(program);
    command.args(&opening.paths);
    if let Some(series) = opening.series {
        command.arg("--series").arg(series.to_string());
    }
    if let Some(overlay) = &opening.overlay {
        command.arg("--overlay").arg(overlay);
    }
    if let Some(memory) = args.memory {
        command.arg("--memory").arg(memory.to_string());
    }
    if let Some(device) = &args.device {
        command.arg("--device").arg(device);
    }
    if let Some(scene) = &opening.scene {
        command.arg("--scene").arg(serde_json::to_string(scene).unwrap_or_default());
    }
    command.arg("--note").arg("the graphics device was lost; this is where you were");
    eprintln!("hounsfield view: the graphics device was lost; the window comes back");
    match command.status() {
        Ok(status) => ExitCode::from(status.code().map_or(1, |code| code as u8)),
        Err(_) => ExitCode::from(5),
    }
}
