// Voxels lie packed in 16-byte words, little-endian. All kernels walk them in units of UNIT voxels, so that inputs and outputs
// of 8, 16 and 32 bits all begin on a whole vec4; buffers are rounded up to whole units.
const UNIT: u32 = 16u;

fn unpack8(word: u32) -> vec4<u32> {
    return vec4(word & 0xffu, (word >> 8u) & 0xffu, (word >> 16u) & 0xffu, word >> 24u);
}

fn unpack16(words: vec2<u32>) -> vec4<u32> {
    return vec4(words.x & 0xffffu, words.x >> 16u, words.y & 0xffffu, words.y >> 16u);
}

fn pack8(v: vec4<u32>) -> u32 {
    return v.x | (v.y << 8u) | (v.z << 16u) | (v.w << 24u);
}

fn pack16(v: vec4<u32>) -> vec2<u32> {
    return vec2(v.x | (v.y << 16u), v.z | (v.w << 16u));
}
