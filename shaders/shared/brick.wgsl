// A brick is a box of voxels, x fastest, one u32 each. Beyond its ends its outermost voxels go on.

fn brick_index(at: vec3<u32>, shape: vec3<u32>) -> u32 {
    return (at.z * shape.y + at.y) * shape.x + at.x;
}

// The voxel of the brick that is nearest to a place inside or outside of it.
fn nearest(at: vec3<i32>, shape: vec3<u32>) -> vec3<u32> {
    return vec3<u32>(clamp(at, vec3(0), vec3<i32>(shape) - vec3(1)));
}
