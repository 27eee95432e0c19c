//! Trees of nodes that can be taken apart again in the order in which they were put together.

/// Nodes that hang together, with how many voxels they have. A node is joined to another without shortening paths, so that a join can be undone.
pub(super) struct Forest {
    parents: Vec<u32>,
    /// Nodes of a tree.
    sizes: Vec<u32>,
    /// Voxels of a tree.
    voxels: Vec<u64>,
    /// A ring through the nodes of a tree.
    next: Vec<u32>,
    /// A list through all roots, which begins and ends at the number of nodes.
    before: Vec<u32>,
    behind: Vec<u32>,
    joined: Vec<u32>,
}

impl Forest {
    pub fn new(voxels: Vec<u64>) -> Self {
        let nodes = voxels.len() as u32;
        let ring = |by: u32| (0..=nodes).map(|node| (node + by) % (nodes + 1)).collect();
        Self {
            parents: (0..nodes).collect(),
            sizes: vec![1; voxels.len()],
            next: (0..nodes).collect(),
            before: ring(nodes),
            behind: ring(1),
            joined: Vec::new(),
            voxels,
        }
    }

    pub fn root(&self, mut node: u32) -> u32 {
        while self.parents[node as usize] != node {
            node = self.parents[node as usize];
        }
        node
    }

    pub fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return;
        }
        let (large, small) = if self.sizes[a as usize] < self.sizes[b as usize] { (b, a) } else { (a, b) };
        let (l, s) = (large as usize, small as usize);
        self.parents[s] = large;
        self.sizes[l] += self.sizes[s];
        self.voxels[l] += self.voxels[s];
        self.next.swap(l, s);
        let (before, behind) = (self.before[s], self.behind[s]);
        (self.behind[before as usize], self.before[behind as usize]) = (behind, before);
        self.joined.push(small);
    }

    /// How many joins there were, to go back to.
    pub fn joins(&self) -> usize {
        self.joined.len()
    }

    /// Undoes all joins but the first `joins`.
    pub fn undo(&mut self, joins: usize) {
        while self.joined.len() > joins
            && let Some(small) = self.joined.pop()
        {
            let s = small as usize;
            let l = self.parents[s] as usize;
            self.parents[s] = small;
            self.sizes[l] -= self.sizes[s];
            self.voxels[l] -= self.voxels[s];
            self.next.swap(l, s);
            // Its place in the list is where it was: what was taken out after it is back.
            (self.behind[self.before[s] as usize], self.before[self.behind[s] as usize]) = (small, small);
        }
    }

    /// The roots of all trees.
    pub fn roots(&self) -> impl Iterator<Item = u32> {
        let end = self.parents.len() as u32;
        std::iter::successors(Some(self.behind[end as usize]), |root| Some(self.behind[*root as usize]))
            .take_while(move |root| *root != end)
    }

    /// The nodes of the tree with this root.
    pub fn nodes(&self, root: u32) -> impl Iterator<Item = u32> {
        let mut node = Some(root);
        std::iter::from_fn(move || {
            let own = node?;
            node = Some(self.next[own as usize]).filter(|next| *next != root);
            Some(own)
        })
    }

    /// The voxels of the tree with this root.
    pub fn voxels(&self, root: u32) -> u64 {
        self.voxels[root as usize]
    }
}
