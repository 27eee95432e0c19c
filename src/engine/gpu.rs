//! The device: recording kernels, submitting, waiting, moving data, and saying when any of it failed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::call::{Call, pack};
use super::kernel::{EntryPoint, Interface, Shader};
use super::pool::Pool;
use super::{Adapter, AdapterChoice, GpuError, adapter};

/// How long a submission may take before it counts as hung. A software driver on a busy machine needs minutes.
const PATIENCE: Duration = Duration::from_secs(300);

/// Bytes of the buffer that outputs are poisoned from.
const POISON_BYTES: u64 = 1 << 20;

/// A wgpu device with the kernels built for it.
///
/// Cheap to share by reference; all methods take `&self` and work from any thread.
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    options: Options,
    /// Its place in the list of adapters and what it is; none for a device of the caller's.
    pub(super) adapter: Option<(usize, wgpu::AdapterInfo)>,
    pub(super) lost: Arc<AtomicBool>,
    shaders: Mutex<HashMap<&'static str, Arc<Module>>>,
    pipelines: Mutex<HashMap<String, Arc<wgpu::ComputePipeline>>>,
    poison: Mutex<Option<wgpu::Buffer>>,
    pool: Pool,
}

/// Called with the name of every step before it; what it returns, the step returns. To test what happens when a GPU fails.
pub type Fault = Arc<dyn Fn(&'static str) -> Option<GpuError> + Send + Sync>;

/// How a [`Gpu`] works.
#[derive(Clone)]
pub struct Options {
    /// Fill outputs with 0xFF before a kernel writes them, so that what it forgets cannot pass for a result. On under debug
    /// assertions.
    pub poison_outputs: bool,
    /// Most workgroups of one dispatch in each dimension; the device's limit if that is lower.
    pub max_groups: u32,
    /// Most bytes of buffers that lie ready for [the next use](Gpu::pooled); 256 MiB unless said otherwise.
    pub pool_bytes: u64,
    /// For tests.
    pub fault: Option<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Self { poison_outputs: cfg!(debug_assertions), max_groups: u32::MAX, pool_bytes: 256 << 20, fault: None }
    }
}

struct Module {
    interface: Interface,
    module: wgpu::ShaderModule,
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gpu").field("adapter", &self.name()).finish_non_exhaustive()
    }
}

impl Gpu {
    /// Finds an adapter and opens a device on it.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`] if none fits or it cannot be opened.
    pub fn open(choice: &AdapterChoice) -> Result<Self, GpuError> {
        Self::open_adapter(adapter::choose(&adapter::adapters(), choice)?)
    }

    /// Opens a device on an adapter from [`adapters`](super::adapters).
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`] if the driver refuses.
    pub fn open_adapter(adapter: Adapter) -> Result<Self, GpuError> {
        adapter::open(adapter)
    }

    /// Works on a device that the caller has. Installs no callbacks: the device's slots for them stay the caller's. The device needs
    /// no feature; larger limits than wgpu's defaults are used where it has them.
    pub fn from_device(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        Self {
            device,
            queue,
            options: Options::default(),
            adapter: None,
            lost: Arc::default(),
            shaders: Mutex::default(),
            pipelines: Mutex::default(),
            poison: Mutex::default(),
            pool: Pool::default(),
        }
    }

    /// A fresh device on the same adapter, after this one was lost: of two equal cards the same one.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`] if the adapter is gone; [`GpuError::Lost`] for a device that the caller brought, which only the caller can rebuild.
    pub fn reopen(&self) -> Result<Self, GpuError> {
        let Some((place, info)) = &self.adapter else { return Err(GpuError::Lost { kernel: "reopen" }) };
        Ok(adapter::reopen(*place, info)?.with_options(self.options.clone()))
    }

    /// The same device, working otherwise.
    #[must_use]
    pub fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The wgpu device.
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// The wgpu queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// The adapter, unless the device came from the caller.
    pub fn adapter_info(&self) -> Option<&wgpu::AdapterInfo> {
        self.adapter.as_ref().map(|(_, info)| info)
    }

    /// The adapter's name.
    pub fn name(&self) -> &str {
        self.adapter_info().map_or("the caller's device", |i| i.name.as_str())
    }

    /// A command encoder.
    pub fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("hounsfield") })
    }

    /// Records a kernel into the caller's encoder. Never submits, never waits. Buffers that the kernel only writes are outputs: if this
    /// device poisons, all of their bytes are 0xFF when the kernel begins, so that what it forgets cannot pass for a result.
    ///
    /// # Errors
    /// [`GpuError::Input`] before anything is recorded if a name is wrong or missing or a buffer exceeds the device's limits;
    /// [`GpuError::Validation`] if the kernel cannot be built.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder, call: &Call<'_>) -> Result<(), GpuError> {
        let kernel = call.shader.name;
        let input = |what: String| GpuError::Input { kernel, what };
        let module = self.module(call.shader)?;
        let entry =
            module.interface.entries.get(call.entry).ok_or_else(|| input(format!("there is no entry point {}", call.entry)))?;

        let mut bound = Vec::with_capacity(entry.bindings.len() + 1);
        let mut outputs = Vec::new();
        let most = self.device.limits().max_storage_buffer_binding_size;
        for binding in &entry.bindings {
            let (_, buffer) = call
                .buffers
                .iter()
                .find(|(name, _)| *name == binding.name)
                .ok_or_else(|| input(format!("buffer {} is missing", binding.name)))?;
            if buffer.size() > most {
                return Err(input(format!(
                    "buffer {} has {} bytes, the device binds at most {most}",
                    binding.name,
                    buffer.size()
                )));
            }
            if !buffer.usage().contains(wgpu::BufferUsages::STORAGE) {
                return Err(input(format!("buffer {} lacks usage STORAGE", binding.name)));
            }
            let twice =
                |other: &&(&str, &wgpu::Buffer)| other.0 != binding.name && other.1 == *buffer && entry_uses(entry, other.0);
            if binding.written && call.buffers.iter().any(|b| twice(&b)) {
                return Err(input(format!("buffer {} is also another buffer of the call", binding.name)));
            }
            if binding.only_written {
                outputs.push(*buffer);
            }
            bound.push(wgpu::BindGroupEntry { binding: binding.index, resource: buffer.as_entire_binding() });
        }
        if let Some((name, _)) = call.buffers.iter().find(|(name, _)| !entry_uses(entry, name)) {
            return Err(input(format!("there is no buffer {name}")));
        }

        // A fresh buffer, because two dispatches recorded in one encoder would both see the last value written to a shared one.
        let uniform = match &entry.params {
            Some((binding, layout)) => {
                let bytes = pack(layout, call.params).map_err(input)?;
                Some((*binding, self.filled(kernel, wgpu::BufferUsages::UNIFORM, &bytes)?))
            }
            None if call.params.is_empty() => None,
            None => return Err(input("it takes no parameters".into())),
        };
        if let Some((binding, buffer)) = &uniform {
            bound.push(wgpu::BindGroupEntry { binding: *binding, resource: buffer.as_entire_binding() });
        }

        let pipeline = self.pipeline(call, &module)?;
        for output in outputs {
            self.poison(encoder, output)?;
        }
        let most = self.device.limits().max_compute_workgroups_per_dimension.min(self.options.max_groups);
        let [x, y, z] = call.elements.groups(entry.group, most, call.groups_wanted);
        self.guarded(kernel, || {
            let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(kernel),
                layout: &pipeline.get_bind_group_layout(0),
                entries: &bound,
            });
            if x > 0 {
                let mut pass =
                    encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some(kernel), timestamp_writes: None });
                pass.set_pipeline(&pipeline);
                pass.set_bind_group(0, &group, &[]);
                pass.dispatch_workgroups(x, y, z);
            }
        })
    }

    /// A `const NAME: u32` of a shader.
    ///
    /// # Errors
    /// [`GpuError::Input`] if the shader has none of that name.
    pub fn constant(&self, shader: &Shader, name: &str) -> Result<u32, GpuError> {
        let missing = || GpuError::Input { kernel: shader.name, what: format!("there is no constant {name}") };
        self.module(shader)?.interface.constant(name).ok_or_else(missing)
    }

    /// Finishes an encoder and submits it. What it does has not happened until [`Gpu::wait`] or a read-back says so.
    ///
    /// # Errors
    /// [`GpuError::Validation`] or [`GpuError::OutOfMemory`]; nothing of the submission counts then.
    pub fn submit(&self, kernel: &'static str, encoder: wgpu::CommandEncoder) -> Result<wgpu::SubmissionIndex, GpuError> {
        self.guarded(kernel, || self.queue.submit([encoder.finish()]))
    }

    /// Waits until a submission is done, at most [five minutes](GpuError::Timeout).
    ///
    /// # Errors
    /// [`GpuError::Timeout`], or [`GpuError::Lost`] if the device is gone.
    pub fn wait(&self, kernel: &'static str, submission: wgpu::SubmissionIndex) -> Result<(), GpuError> {
        self.poll(kernel, Some(submission))
    }

    pub(super) fn poll(&self, kernel: &'static str, submission: Option<wgpu::SubmissionIndex>) -> Result<(), GpuError> {
        let done = self.device.poll(wgpu::PollType::Wait { submission_index: submission, timeout: Some(PATIENCE) });
        let done = done.map(|_| ()).map_err(|e| match e {
            wgpu::PollError::Timeout => GpuError::Timeout { kernel, seconds: PATIENCE.as_secs() },
            other => GpuError::Validation { kernel, message: other.to_string() },
        });
        let lost = self.lost.load(Ordering::SeqCst);
        (if lost { Err(GpuError::Lost { kernel }) } else { done }).inspect_err(|_| self.pool.empty())
    }

    /// Runs wgpu calls of this thread inside error scopes, so that a failure becomes an `Err`.
    pub(super) fn guarded<T>(&self, kernel: &'static str, calls: impl FnOnce() -> T) -> Result<T, GpuError> {
        // The next try may want other sizes, and what was in use may be left mapped.
        self.scoped(kernel, calls).inspect_err(|_| self.pool.empty())
    }

    fn scoped<T>(&self, kernel: &'static str, calls: impl FnOnce() -> T) -> Result<T, GpuError> {
        if let Some(failure) = self.options.fault.as_ref().and_then(|fault| fault(kernel)) {
            return Err(failure);
        }
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let value = calls();
        let internal = pollster::block_on(internal.pop());
        let validation = pollster::block_on(validation.pop());
        let memory = pollster::block_on(memory.pop());
        if self.lost.load(Ordering::SeqCst) {
            return Err(GpuError::Lost { kernel });
        }
        if memory.is_some() {
            return Err(GpuError::OutOfMemory { kernel });
        }
        match validation.or(internal) {
            Some(e) => Err(GpuError::Validation { kernel, message: e.to_string() }),
            None => Ok(value),
        }
    }

    /// Records the poisoning of an output that a kernel is about to overwrite, if this device poisons and the buffer may be copied to.
    pub(super) fn poison(&self, encoder: &mut wgpu::CommandEncoder, output: &wgpu::Buffer) -> Result<(), GpuError> {
        if !self.options.poison_outputs || !output.usage().contains(wgpu::BufferUsages::COPY_DST) {
            return Ok(());
        }
        let mut slot = self.poison.lock().unwrap_or_else(PoisonError::into_inner);
        let source = match &*slot {
            Some(buffer) => buffer.clone(),
            None => {
                let bytes = vec![0xFF; POISON_BYTES as usize];
                slot.insert(self.filled("poison", wgpu::BufferUsages::COPY_SRC, &bytes)?).clone()
            }
        };
        drop(slot);
        self.guarded("poison", || {
            let mut at = 0;
            while at < output.size() {
                let n = POISON_BYTES.min(output.size() - at);
                encoder.copy_buffer_to_buffer(&source, 0, output, at, n);
                at += n;
            }
        })
    }

    fn module(&self, shader: &Shader) -> Result<Arc<Module>, GpuError> {
        let mut shaders = self.shaders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = shaders.get(shader.name) {
            return Ok(module.clone());
        }
        let interface = shader.reflect()?;
        let text = shader.compose()?;
        let module = self.guarded(shader.name, || {
            self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(shader.name),
                source: wgpu::ShaderSource::Wgsl(text.into()),
            })
        })?;
        let module = Arc::new(Module { interface, module });
        shaders.insert(shader.name, module.clone());
        Ok(module)
    }

    fn pipeline(&self, call: &Call<'_>, module: &Module) -> Result<Arc<wgpu::ComputePipeline>, GpuError> {
        let key = format!("{} {} {:?}", call.shader.name, call.entry, call.constants);
        let mut pipelines = self.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipeline) = pipelines.get(&key) {
            return Ok(pipeline.clone());
        }
        let constants: Vec<(&str, f64)> = call.constants.iter().map(|(name, value)| (*name, f64::from(*value))).collect();
        let pipeline = self.guarded(call.shader.name, || {
            self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(&key),
                layout: None,
                module: &module.module,
                entry_point: Some(call.entry),
                compilation_options: wgpu::PipelineCompilationOptions { constants: &constants, ..Default::default() },
                cache: None,
            })
        })?;
        let pipeline = Arc::new(pipeline);
        pipelines.insert(key, pipeline.clone());
        Ok(pipeline)
    }
}

fn entry_uses(entry: &EntryPoint, name: &str) -> bool {
    entry.bindings.iter().any(|b| b.name == name)
}
