//! What is durable: blocks, hash chain, Merkle tree, recovery, tailing.
