// Where a key lies among ascending ones. WGSL as naga has it passes no pointers to storage, so this searches what the shader that
// uses it binds as `edges: array<u32>`.

// The last of the edges 0 .. last - 1 that is not above the key; 0 if all are.
fn find(key: u32, last: u32) -> u32 {
    // Invariant: edges[low] <= key or low is 0, and key < edges[high] or high is the last.
    var low = 0u;
    var high = last;
    while (high - low > 1u) {
        let middle = (low + high) / 2u;
        if (key < edges[middle]) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return low;
}
