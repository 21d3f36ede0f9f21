//! The Merkle tree of RFC 6962 (and RFC 9162) over commits, with SHA-256.
//!
//! *Shape.* A leaf's hash is SHA-256 of a zero byte and the commit's bytes; a node's is SHA-256 of
//! a one byte and its children's hashes. Leaf `n` is the commit at position `n + 1`.
//! [`MerkleTree`] keeps only the right edge, so it grows without end in little memory;
//! [`MerkleLeaves`] keeps all leaf hashes and gives proofs.
//! *Correctness.* The root depends on the commits and their order alone, not on where blocks were
//! cut. Proofs are checked without the tree: [`verify_inclusion`], [`verify_consistency`].

use sha2::{Digest, Sha256};

use crate::block_header::Hash;

/// The hash of a leaf.
pub fn leaf_hash(commit: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(commit);
    hasher.finalize().into()
}

/// The hash of a node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    Sha256::digest(bytes).into()
}

/// The hash of a tree without leaves.
fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// A growing tree, of which only the roots of the full subtrees at its right edge are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MerkleTree {
    length: u64,
    /// The full subtrees' roots, largest first: one for each bit set in `length`.
    edge: Vec<Hash>,
}

impl MerkleTree {
    /// A tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on with a tree that was stored as its length and edge. `None` if they don't fit.
    pub fn from_edge(length: u64, edge: Vec<Hash>) -> Option<Self> {
        (edge.len() == length.count_ones() as usize).then_some(Self { length, edge })
    }

    /// How many leaves it has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The roots of its full subtrees, largest first.
    pub fn edge(&self) -> &[Hash] {
        &self.edge
    }

    /// Adds a commit.
    pub fn push(&mut self, commit: &[u8]) {
        self.push_leaf(leaf_hash(commit));
    }

    /// Adds a commit by its leaf hash.
    pub fn push_leaf(&mut self, leaf: Hash) {
        let mut root = leaf;
        for _ in 0..self.length.trailing_ones() {
            if let Some(left) = self.edge.pop() {
                root = node_hash(&left, &root);
            }
        }
        self.edge.push(root);
        self.length += 1;
    }

    /// The root.
    pub fn root(&self) -> Hash {
        let mut subtrees = self.edge.iter().rev();
        let Some(smallest) = subtrees.next() else { return empty_root() };
        subtrees.fold(*smallest, |right, left| node_hash(left, &right))
    }
}

/// All leaf hashes, to make proofs from.
#[derive(Debug, Clone, Default)]
pub struct MerkleLeaves {
    leaves: Vec<Hash>,
}

/// A proof was asked for what the tree does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("leaf {leaf} of a tree of {size} can't be proven: there are {held} leaves")]
pub struct OutOfTree {
    /// The leaf, or the length of the older tree.
    pub leaf: u64,
    /// The length of the tree.
    pub size: u64,
    /// How many leaves there are.
    pub held: u64,
}

impl MerkleLeaves {
    /// No leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a commit.
    pub fn push(&mut self, commit: &[u8]) {
        self.leaves.push(leaf_hash(commit));
    }

    /// How many leaves there are.
    pub fn length(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// The root of the tree of the first `size` leaves.
    /// # Errors
    /// [`OutOfTree`] if there are fewer.
    pub fn root_at(&self, size: u64) -> Result<Hash, OutOfTree> {
        Ok(root_of(self.first(size, size)?))
    }

    /// The hashes that lead from leaf `index` to the root of the first `size` leaves, from the
    /// bottom up.
    /// # Errors
    /// [`OutOfTree`] if there is no such leaf or tree.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, OutOfTree> {
        let leaves = self.first(size, index)?;
        let mut proof = Vec::new();
        if index >= size {
            return Err(self.out_of_tree(index, size));
        }
        path(usize::try_from(index).unwrap_or(usize::MAX), leaves, &mut proof);
        Ok(proof)
    }

    /// The hashes that show that the first `old` leaves are the start of the first `new` ones.
    /// # Errors
    /// [`OutOfTree`] unless `0 < old <= new` and there are `new` leaves.
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, OutOfTree> {
        let leaves = self.first(new, old)?;
        if old == 0 || old > new {
            return Err(self.out_of_tree(old, new));
        }
        let mut proof = Vec::new();
        subproof(usize::try_from(old).unwrap_or(usize::MAX), leaves, true, &mut proof);
        Ok(proof)
    }

    fn first(&self, size: u64, leaf: u64) -> Result<&[Hash], OutOfTree> {
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        self.leaves.get(..length).ok_or_else(|| self.out_of_tree(leaf, size))
    }

    fn out_of_tree(&self, leaf: u64, size: u64) -> OutOfTree {
        OutOfTree { leaf, size, held: self.length() }
    }
}

/// The largest power of two below `length`, which is above 1.
fn split(length: usize) -> usize {
    length.next_power_of_two() / 2
}

fn root_of(leaves: &[Hash]) -> Hash {
    let mut tree = MerkleTree::new();
    for leaf in leaves {
        tree.push_leaf(*leaf);
    }
    tree.root()
}

/// RFC 6962, 2.1.1.
fn path(index: usize, leaves: &[Hash], proof: &mut Vec<Hash>) {
    if leaves.len() <= 1 {
        return;
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    if index < left.len() {
        path(index, left, proof);
        proof.push(root_of(right));
    } else {
        path(index - left.len(), right, proof);
        proof.push(root_of(left));
    }
}

/// RFC 6962, 2.1.2.
fn subproof(old: usize, leaves: &[Hash], whole: bool, proof: &mut Vec<Hash>) {
    if old == leaves.len() {
        if !whole {
            proof.push(root_of(leaves));
        }
        return;
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    if old <= left.len() {
        subproof(old, left, whole, proof);
        proof.push(root_of(right));
    } else {
        subproof(old - left.len(), right, false, proof);
        proof.push(root_of(left));
    }
}

/// Whether `leaf` is the leaf `index` of the tree of `size` leaves with that root. RFC 9162,
/// 2.1.3.2.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            let shift = if at % 2 == 0 { at.trailing_zeros().min(63) } else { 0 };
            (at, last) = (at >> shift, last >> shift);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

/// Whether the tree of `old` leaves with `old_root` is the start of the one of `new` leaves with
/// `new_root`. RFC 9162, 2.1.4.2.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> bool {
    if old == 0 || old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    let (start, rest) = if old.is_power_of_two() {
        (*old_root, proof)
    } else {
        let Some((first, rest)) = proof.split_first() else { return false };
        (*first, rest)
    };
    let shift = (old - 1).trailing_ones();
    let (mut at, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    let (mut old_hash, mut new_hash) = (start, start);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            let shift = if at % 2 == 0 { at.trailing_zeros().min(63) } else { 0 };
            (at, last) = (at >> shift, last >> shift);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}
