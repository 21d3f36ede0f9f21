//! The Merkle tree against published figures, another implementation, and itself.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use event_log::merkle::{
    MerkleLeaves, MerkleTree, leaf_hash, verify_consistency, verify_inclusion,
};
use sha2::Sha256;

/// The leaves and roots of the Certificate Transparency reference tests.
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const MOST: u64 = 70;

fn unhex(text: &str) -> Vec<u8> {
    let digits = (0..text.len()).step_by(2);
    digits.map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn commit(index: u64) -> Vec<u8> {
    index.to_le_bytes().repeat(1 + usize::try_from(index % 5).unwrap())
}

fn flat(hashes: &[[u8; 32]]) -> Vec<u8> {
    hashes.concat()
}

#[test]
fn the_roots_are_those_of_the_reference_tests() {
    let mut tree = MerkleTree::new();
    assert_eq!(tree.root().to_vec(), unhex(ROOTS[0]));

    for (leaf, root) in LEAVES.iter().zip(&ROOTS[1..]) {
        tree.push(&unhex(leaf));
        assert_eq!(tree.root().to_vec(), unhex(root));
    }
}

#[test]
fn roots_and_proofs_are_those_of_another_implementation() {
    for size in 1..=MOST {
        let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        let (mut ours, mut edge) = (MerkleLeaves::new(), MerkleTree::new());
        for index in 0..size {
            theirs.push(commit(index));
            ours.push(&commit(index));
            edge.push(&commit(index));
        }

        assert_eq!(edge.root().as_slice(), theirs.root().as_bytes().as_slice());
        assert_eq!(ours.root_at(size).unwrap(), edge.root());
        for index in 0..size {
            let proof = ours.inclusion_proof(index, size).unwrap();
            let expected = theirs.prove_inclusion(usize::try_from(index).unwrap());
            assert_eq!(flat(&proof), expected.as_bytes());
        }
        for old in 1..=size {
            let proof = ours.consistency_proof(old, size).unwrap();
            let expected = theirs.prove_consistency(usize::try_from(size - old).unwrap());
            assert_eq!(flat(&proof), expected.as_bytes());
        }
    }
}

#[test]
fn right_proofs_are_accepted_and_others_are_not() {
    let mut leaves = MerkleLeaves::new();
    (0..MOST).for_each(|index| leaves.push(&commit(index)));
    for size in 1..=MOST {
        let root = leaves.root_at(size).unwrap();
        for index in 0..size {
            let leaf = leaf_hash(&commit(index));
            let mut proof = leaves.inclusion_proof(index, size).unwrap();
            assert!(verify_inclusion(&leaf, index, size, &proof, &root));
            assert!(!verify_inclusion(&leaf_hash(b"other"), index, size, &proof, &root));
            assert!(!verify_inclusion(&leaf, (index + 1) % (size + 1), size, &proof, &root));
            proof.push([0; 32]);
            assert!(!verify_inclusion(&leaf, index, size, &proof, &root));
        }
        for old in 1..=size {
            let old_root = leaves.root_at(old).unwrap();
            let mut proof = leaves.consistency_proof(old, size).unwrap();
            assert!(verify_consistency(old, &old_root, size, &root, &proof));
            assert!(!verify_consistency(old, &[1; 32], size, &root, &proof));
            assert!(!verify_consistency(old, &old_root, size, &[1; 32], &proof));
            proof.push([0; 32]);
            assert!(!verify_consistency(old, &old_root, size, &root, &proof));
        }
    }
}

#[test]
fn a_tree_goes_on_from_its_stored_edge() {
    let mut whole = MerkleTree::new();
    for index in 0..MOST {
        let mut resumed = MerkleTree::from_edge(whole.length(), whole.edge().to_vec()).unwrap();
        resumed.push(&commit(index));
        whole.push(&commit(index));
        assert_eq!(resumed, whole);
    }
    assert_eq!(MerkleTree::from_edge(3, vec![[0; 32]]), None);
}

#[test]
fn what_the_tree_does_not_hold_is_not_proven() {
    let mut leaves = MerkleLeaves::new();
    leaves.push(b"only");

    assert!(leaves.inclusion_proof(1, 1).is_err());
    assert!(leaves.inclusion_proof(0, 2).is_err());
    assert!(leaves.consistency_proof(0, 1).is_err());
    assert!(leaves.consistency_proof(2, 1).is_err());
    assert!(!verify_inclusion(&leaf_hash(b"only"), 0, 0, &[], &leaf_hash(b"only")));
}
