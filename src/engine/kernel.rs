//! A kernel is what its WGSL says: entry points, group sizes, bindings and parameters are read from the shader, never repeated.

use std::collections::HashMap;

use wgpu::naga;

use super::GpuError;

/// The text of a shader: `shaders/<name>.wgsl`.
#[derive(Debug, Clone, Copy)]
pub struct Shader {
    /// The stem that shader, room, test and bench share.
    pub name: &'static str,
    /// The text, with `//! use shared/<fragment>` lines.
    pub wgsl: &'static str,
}

/// Fragments that shaders, and other fragments, may use; they declare no bindings.
const FRAGMENTS: &[(&str, &str)] = &[
    ("shared/activations", include_str!("../../shaders/shared/activations.wgsl")),
    ("shared/brick", include_str!("../../shaders/shared/brick.wgsl")),
    ("shared/find", include_str!("../../shaders/shared/find.wgsl")),
    ("shared/floats", include_str!("../../shaders/shared/floats.wgsl")),
    ("shared/stored", include_str!("../../shaders/shared/stored.wgsl")),
    ("shared/voxels", include_str!("../../shaders/shared/voxels.wgsl")),
    ("shared/whole", include_str!("../../shaders/shared/whole.wgsl")),
    ("shared/wide", include_str!("../../shaders/shared/wide.wgsl")),
];

/// Appends a text to `all` with the fragments it names, each where it is named first: `used` are those that are there already.
fn insert(text: &str, all: &mut String, used: &mut Vec<&'static str>) -> Result<(), String> {
    let mut own = Vec::new();
    for line in text.lines() {
        let Some(fragment) = line.strip_prefix("//! use ").map(str::trim) else {
            all.push_str(line);
            all.push('\n');
            continue;
        };
        if own.contains(&fragment) {
            return Err(format!("fragment {fragment} is used twice"));
        }
        own.push(fragment);
        let found = FRAGMENTS.iter().find(|(name, _)| *name == fragment);
        let (name, body) = found.ok_or_else(|| format!("there is no fragment {fragment}"))?;
        if !used.contains(name) {
            // Before its body, so that fragments that use each other come to an end.
            used.push(name);
            insert(body, all, used)?;
        }
    }
    Ok(())
}

impl Shader {
    /// The shader with its fragments put in, as the driver gets it.
    ///
    /// # Errors
    /// [`GpuError::Validation`] for a fragment that does not exist or is used twice.
    pub fn compose(&self) -> Result<String, GpuError> {
        let mut text = String::new();
        let inserted = insert(self.wgsl, &mut text, &mut Vec::new());
        inserted.map_err(|message| GpuError::Validation { kernel: self.name, message })?;
        Ok(text)
    }

    /// Reads the shader's interface with naga, which also proves the text valid.
    ///
    /// # Errors
    /// [`GpuError::Validation`] with naga's message.
    pub fn reflect(&self) -> Result<Interface, GpuError> {
        let fail = |message: String| GpuError::Validation { kernel: self.name, message };
        let text = self.compose()?;
        let module = naga::front::wgsl::parse_str(&text).map_err(|e| fail(e.emit_to_string(&text)))?;
        let info = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::default())
            .validate(&module)
            .map_err(|e| fail(e.emit_to_string(&text)))?;

        let mut entries = HashMap::new();
        for (i, point) in module.entry_points.iter().enumerate() {
            let uses = info.get_entry_point(i);
            let mut bindings = Vec::new();
            let mut params = None;
            for (handle, global) in module.global_variables.iter() {
                let Some(at) = global.binding else { continue };
                if uses[handle].is_empty() {
                    continue;
                }
                if at.group != 0 {
                    return Err(fail("bindings live in group 0".into()));
                }
                let name = global.name.clone().unwrap_or_default();
                match global.space {
                    naga::AddressSpace::Uniform => params = Some((at.binding, layout_of(&module, global.ty).map_err(&fail)?)),
                    naga::AddressSpace::Storage { access } => bindings.push(Binding {
                        name,
                        index: at.binding,
                        written: access.contains(naga::StorageAccess::STORE),
                        only_written: uses[handle] == naga::valid::GlobalUse::WRITE,
                    }),
                    _ => return Err(fail(format!("binding {name} is neither parameters nor storage"))),
                }
            }
            // Groups of zero, which no number of elements could be divided by, naga has refused already.
            if point.workgroup_size_overrides.is_some() {
                return Err(fail(format!("the group size of {} is not constant", point.name)));
            }
            entries.insert(point.name.clone(), EntryPoint { group: point.workgroup_size, bindings, params });
        }
        let constants = module
            .constants
            .iter()
            .filter_map(|(_, c)| match module.global_expressions[c.init] {
                naga::Expression::Literal(naga::Literal::U32(value)) => Some((c.name.clone()?, value)),
                _ => None,
            })
            .collect();
        Ok(Interface { entries, constants })
    }
}

/// What a shader expects of its caller.
#[derive(Debug)]
pub struct Interface {
    pub(super) entries: HashMap<String, EntryPoint>,
    constants: HashMap<String, u32>,
}

impl Interface {
    /// A `const NAME: u32` of the shader.
    pub fn constant(&self, name: &str) -> Option<u32> {
        self.constants.get(name).copied()
    }

    /// The names of the entry points.
    pub fn entry_points(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }
}

#[derive(Debug)]
pub(super) struct EntryPoint {
    /// Invocations in a workgroup, along x, y and z.
    pub group: [u32; 3],
    /// Storage bindings that the entry point uses.
    pub bindings: Vec<Binding>,
    /// Binding index and layout of the parameters.
    pub params: Option<(u32, ParamLayout)>,
}

#[derive(Debug)]
pub(super) struct Binding {
    pub name: String,
    pub index: u32,
    /// The shader declares that it may be written, which rules out the same buffer in another place.
    pub written: bool,
    /// This entry point writes it and never reads it, counts in it or asks for its length: an output, of which nothing may be left as it was.
    pub only_written: bool,
}

/// Where each parameter lies in the uniform block.
#[derive(Debug)]
pub(super) struct ParamLayout {
    pub size: u32,
    pub fields: Vec<ParamField>,
}

/// A parameter of a shader.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ParamField {
    pub name: String,
    pub offset: u32,
    pub kind: ParamKind,
}

/// The type of a parameter, as naga tells it and as Rust values have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ParamKind {
    /// The scalar's name in WGSL.
    pub scalar: &'static str,
    /// How many there are, 1 to 4.
    pub count: usize,
}

impl std::fmt::Display for ParamKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.count {
            1 => f.write_str(self.scalar),
            n => write!(f, "vec{n}<{}>", self.scalar),
        }
    }
}

fn layout_of(module: &naga::Module, ty: naga::Handle<naga::Type>) -> Result<ParamLayout, String> {
    let naga::TypeInner::Struct { members, span } = &module.types[ty].inner else {
        return Err("parameters are a struct".into());
    };
    let fields = members
        .iter()
        .map(|member| {
            let name = member.name.clone().unwrap_or_default();
            let kind = kind_of(&module.types[member.ty].inner);
            let kind = kind.ok_or_else(|| format!("parameter {name} is neither u32, i32, f32 nor a vector of them"))?;
            Ok(ParamField { name, offset: member.offset, kind })
        })
        .collect::<Result<_, String>>()?;
    Ok(ParamLayout { size: *span, fields })
}

fn kind_of(ty: &naga::TypeInner) -> Option<ParamKind> {
    let (scalar, count) = match ty {
        naga::TypeInner::Scalar(scalar) => (scalar, 1),
        naga::TypeInner::Vector { size, scalar } => (scalar, *size as usize),
        _ => return None,
    };
    let scalar = match (scalar.kind, scalar.width) {
        (naga::ScalarKind::Uint, 4) => "u32",
        (naga::ScalarKind::Sint, 4) => "i32",
        (naga::ScalarKind::Float, 4) => "f32",
        _ => return None,
    };
    Some(ParamKind { scalar, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_fragment_is_an_error() {
        let s = Shader { name: "x", wgsl: "//! use shared/nothing\n" };
        assert!(matches!(s.compose(), Err(GpuError::Validation { .. })));
        let s = Shader { name: "x", wgsl: "//! use shared/voxels\n//! use shared/voxels\n" };
        assert!(matches!(s.compose(), Err(GpuError::Validation { .. })), "twice");
    }

    #[test]
    fn fragments_bring_what_they_use_once() {
        let s = Shader { name: "x", wgsl: "//! use shared/stored\n//! use shared/voxels\n" };
        let text = s.compose().unwrap();
        assert_eq!(text.matches("fn unpack8(").count(), 1);
        assert_eq!(text.matches("fn stored(").count(), 1);
        assert!(!text.contains("//! use"));
    }

    #[test]
    fn the_interface_is_read_from_the_text() {
        let s = Shader {
            name: "x",
            wgsl: "struct Params { a: u32, b: i32 }
                @group(0) @binding(3) var<uniform> params: Params;
                @group(0) @binding(1) var<storage, read> input: array<u32>;
                @group(0) @binding(2) var<storage, read_write> output: array<u32>;
                @group(0) @binding(4) var<storage, read_write> unused: array<u32>;
                const SIZE: u32 = 7u;
                @group(0) @binding(5) var<storage, read_write> sum: array<u32>;
                @group(0) @binding(6) var<storage, read_write> count: array<atomic<u32>>;
                fn put(at: u32, value: u32) { output[at] = value; sum[at] += value; }
                @compute @workgroup_size(8, 4) fn main() { put(0u, input[params.a] + SIZE + u32(params.b)); atomicAdd(&count[0], 1u); }",
        };
        let i = s.reflect().unwrap();
        assert_eq!(i.constant("SIZE"), Some(7));
        let main = &i.entries["main"];
        assert_eq!(main.group, [8, 4, 1]);
        let names: Vec<_> = main.bindings.iter().map(|b| (b.name.as_str(), b.index, b.written, b.only_written)).collect();
        let (output, sum, count) = (("output", 2, true, true), ("sum", 5, true, false), ("count", 6, true, false));
        assert_eq!(names, [("input", 1, false, false), output, sum, count]);
        let (index, layout) = main.params.as_ref().unwrap();
        assert_eq!((*index, layout.size), (3, 8));
        let field = |name: &str, offset, scalar| ParamField { name: name.into(), offset, kind: ParamKind { scalar, count: 1 } };
        assert_eq!(layout.fields, [field("a", 0, "u32"), field("b", 4, "i32")]);
    }

    #[test]
    fn parameters_of_other_types_and_groups_without_a_size_are_errors() {
        let refused = |params: &str, group: &str, says: &str| {
            let wgsl = format!(
                "struct Params {{ a: {params} }} override N: u32 = 8u; @group(0) @binding(0) var<uniform> params: Params;
                @compute @workgroup_size({group}) fn main() {{ let a = params.a; }}"
            );
            let s = Shader { name: "x", wgsl: wgsl.leak() };
            let error = s.reflect().map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        };
        refused("mat2x2<f32>", "8", "parameter a is neither");
        refused("array<vec4<u32>, 2>", "8", "parameter a is neither");
        refused("u32", "N", "group size");
    }
}
