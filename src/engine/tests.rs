//! Recording: small kernels of the tests' own, on the device that all tests share.

use super::*;
use crate::ops::testing::gpu;

/// Adds one to every element of a box, in strides of the whole grid, and writes the parameters down.
const BOX: Shader = Shader {
    name: "test-box",
    wgsl: "
        struct Params { size: vec3<u32> }
        @group(0) @binding(0) var<uniform> params: Params;
        @group(0) @binding(1) var<storage, read_write> visits: array<u32>;
        const GROUP = vec3(4u, 4u, 2u);

        @compute @workgroup_size(4, 4, 2)
        fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
            let step = groups * GROUP;
            for (var z = id.z; z < params.size.z; z += step.z) {
                for (var y = id.y; y < params.size.y; y += step.y) {
                    for (var x = id.x; x < params.size.x; x += step.x) {
                        visits[(z * params.size.y + y) * params.size.x + x] += 1u;
                    }
                }
            }
        }",
};

/// A device that shares the tests' one and works otherwise.
fn with(options: Options) -> Option<Gpu> {
    let shared = gpu()?;
    Some(Gpu::from_device(shared.device().clone(), shared.queue().clone()).with_options(options))
}

fn words(gpu: &Gpu, buffer: &wgpu::Buffer) -> Vec<u32> {
    bytemuck::pod_collect_to_vec(&gpu.download("test", buffer, buffer.size()).unwrap())
}

#[test]
fn a_box_larger_than_its_groups_is_covered_in_every_dimension() {
    // One group, a few, as many as it takes.
    for max_groups in [1, 2, u32::MAX] {
        let Some(gpu) = with(Options { max_groups, ..Options::default() }) else { return };
        for size in [[1, 1, 1], [19, 11, 7], [4, 4, 2], [5, 1, 9], [1, 13, 1]] {
            let count = size.iter().product::<u32>() as usize;
            let visits = gpu.storage_with("test", &vec![0; 4 * count], 4).unwrap();
            let mut encoder = gpu.encoder();
            let call = Call {
                shader: &BOX,
                entry: "main",
                constants: &[],
                params: &[("size", size.into())],
                buffers: &[("visits", &visits)],
                elements: size.map(u64::from).into(),
                groups_wanted: u32::MAX,
            };
            gpu.encode(&mut encoder, &call).unwrap();
            gpu.submit("test", encoder).unwrap();
            assert!(words(&gpu, &visits).iter().all(|v| *v == 1), "{size:?} in at most {max_groups} groups an axis");
        }
    }
}

#[test]
fn groups_are_enough_in_each_dimension_and_never_above_the_caps() {
    let groups = |elements: Elements, most, wanted| elements.groups([4, 4, 2], most, wanted);
    assert_eq!(groups([17u64, 4, 3].into(), 65_535, u32::MAX), [5, 1, 2]);
    assert_eq!(groups([17u64, 4, 3].into(), 2, 1), [2, 1, 2], "what is wanted caps lines only");
    assert_eq!(groups(17u64.into(), 65_535, 3), [3, 1, 1]);
    assert_eq!(groups(u64::MAX.into(), u32::MAX, u32::MAX), [u32::MAX, 1, 1]);
    assert_eq!(groups([5, 0, 5].into(), 65_535, u32::MAX), [0; 3]);
}

/// Writes down every kind of parameter there is.
const PARAMETERS: Shader = Shader {
    name: "test-parameters",
    wgsl: "
        struct Params { count: u32, shift: i32, three: vec3<i32>, scale: f32, two: vec2<f32>, four: vec4<u32> }
        @group(0) @binding(0) var<uniform> params: Params;
        @group(0) @binding(1) var<storage, read_write> seen: array<u32>;

        @compute @workgroup_size(1)
        fn main() {
            seen[0] = params.count;
            seen[1] = u32(params.shift);
            for (var i = 0u; i < 3u; i++) { seen[2u + i] = u32(params.three[i]); }
            seen[5] = bitcast<u32>(params.scale);
            for (var i = 0u; i < 2u; i++) { seen[6u + i] = bitcast<u32>(params.two[i]); }
            for (var i = 0u; i < 4u; i++) { seen[8u + i] = params.four[i]; }
        }",
};

fn with_params(gpu: &Gpu, params: &[(&str, Param)]) -> Result<Vec<u32>, GpuError> {
    let seen = gpu.storage("test", 48)?;
    let mut encoder = gpu.encoder();
    let buffers: &[(&str, &wgpu::Buffer)] = &[("seen", &seen)];
    let call =
        Call { shader: &PARAMETERS, entry: "main", constants: &[], params, buffers, elements: 1u64.into(), groups_wanted: 1 };
    gpu.encode(&mut encoder, &call)?;
    gpu.submit("test", encoder)?;
    Ok(words(gpu, &seen))
}

#[test]
fn parameters_of_every_type_arrive_where_the_shader_wants_them() {
    let Some(gpu) = gpu() else { return };
    let all: [(&str, Param); 6] = [
        ("four", [8u32, 9, 10, 11].into()),
        ("two", [0.5f32, -0.0].into()),
        ("scale", 1.5f32.into()),
        ("three", [-1i32, 2, i32::MIN].into()),
        ("shift", (-7i32).into()),
        ("count", 3_000_000_000u32.into()),
    ];
    let want = [3_000_000_000, 7u32.wrapping_neg(), u32::MAX, 2, 1 << 31, 0x3fc0_0000, 0x3f00_0000, 1 << 31, 8, 9, 10, 11];
    assert_eq!(with_params(gpu, &all).unwrap(), want);

    let refused = |name: &'static str, value: Param, says: &str| {
        let given = all.map(|(n, v)| if n == name { (n, value) } else { (n, v) });
        match with_params(gpu, &given) {
            Err(GpuError::Input { what, .. }) => assert_eq!(what, says),
            other => panic!("{name}: {other:?}"),
        }
    };
    refused("shift", 7u32.into(), "parameter shift is i32, not u32");
    refused("scale", 1i32.into(), "parameter scale is f32, not i32");
    refused("three", [1u32, 2, 3].into(), "parameter three is vec3<i32>, not vec3<u32>");
    refused("four", [1u32, 2, 3].into(), "parameter four is vec4<u32>, not vec3<u32>");
    assert!(matches!(with_params(gpu, &all[1..]), Err(GpuError::Input { what, .. }) if what == "parameter four is missing"));
    let more: Vec<_> = all.into_iter().chain([("five", 5u32.into())]).collect();
    assert!(matches!(with_params(gpu, &more), Err(GpuError::Input { what, .. }) if what == "there is no parameter five"));
}

/// Writes every other word of its output, adds to a sum, and leaves a buffer of another entry point alone.
const FORGETFUL: Shader = Shader {
    name: "test-forgetful",
    wgsl: "
        @group(0) @binding(0) var<storage, read_write> output: array<u32>;
        @group(0) @binding(1) var<storage, read_write> sums: array<u32>;
        @group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;

        @compute @workgroup_size(4)
        fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            output[2u * id.x] = id.x;
            sums[id.x] += 1u;
            atomicAdd(&counts[0], 1u);
        }",
};

#[test]
fn what_a_kernel_forgets_is_poison_and_what_it_adds_to_is_kept() {
    for poison_outputs in [true, false] {
        let Some(gpu) = with(Options { poison_outputs, ..Options::default() }) else { return };
        let start: Vec<u8> = [7u32; 8].iter().flat_map(|w| w.to_le_bytes()).collect();
        let [output, sums, counts] = [(); 3].map(|()| gpu.storage_with("test", &start, 4).unwrap());
        let mut encoder = gpu.encoder();
        let call = Call {
            shader: &FORGETFUL,
            entry: "main",
            constants: &[],
            params: &[],
            buffers: &[("output", &output), ("sums", &sums), ("counts", &counts)],
            elements: 4u64.into(),
            groups_wanted: 1,
        };
        gpu.encode(&mut encoder, &call).unwrap();
        gpu.submit("test", encoder).unwrap();
        let left = if poison_outputs { u32::MAX } else { 7 };
        assert_eq!(words(&gpu, &output), [0, left, 1, left, 2, left, 3, left]);
        assert_eq!(words(&gpu, &sums), [8, 8, 8, 8, 7, 7, 7, 7]);
        assert_eq!(words(&gpu, &counts), [11, 7, 7, 7, 7, 7, 7, 7]);
    }
}
