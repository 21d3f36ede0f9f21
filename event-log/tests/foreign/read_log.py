#!/usr/bin/env python3
"""Reads a billfold log folder with nothing but the Python standard library.

Written from docs/log-format.md alone, to show that it is enough. Checks each block's CRC32C, the
hash chain and the positions; prints the head, the RFC 6962 root and each commit.
Usage: read_log.py FOLDER
"""
import hashlib
import pathlib
import struct
import sys

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def check(condition, what):
    if not condition:
        sys.exit(f"refused: {what}")


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + root(leaves[:split]) + root(leaves[split:])).digest()


def durable_block(folder):
    """The number of the last durable block, from the newest whole watermark slot."""
    data = (folder / "watermark").read_bytes()
    slots = [data[at:at + 128] for at in (0, 4096, 8192)]
    whole = [s for s in slots if s[:4] == b"BFWM" and crc32c(s[:124]) == int.from_bytes(s[124:], "little")]
    newest = max(whole, key=lambda slot: struct.unpack_from("<Q", slot, 8)[0])
    return struct.unpack_from("<Q", newest, 56)[0]


def read(folder):
    last = durable_block(folder)
    block_number, position, previous, epoch = 0, 1, bytes(32), 0
    commits = []
    for path in sorted(folder.glob("segment-*.blk")):
        data = path.read_bytes()
        check(data[:4] == b"BFSG", f"{path} is no segment")
        check(crc32c(data[:508]) == struct.unpack_from("<I", data, 508)[0], f"{path} header")
        identity = data[12:96]
        check(struct.unpack_from("<QQQ", data, 96) == (epoch, block_number, position), f"{path} start")
        check(data[128:160] == previous, f"{path} chain")
        at = struct.unpack_from("<H", data, 6)[0]
        while block_number < last and data[at:at + 4] == b"BFBK":
            header = data[at:at + 192]
            check(crc32c(header[:188]) == struct.unpack_from("<I", header, 188)[0], f"{path}:{at} header")
            check(header[12:96] == identity, f"{path}:{at} identity")
            block_epoch, number, first, time = struct.unpack_from("<QQQq", header, 96)
            count, length, crc = struct.unpack_from("<III", header, 160)
            body = data[at + 192:at + 192 + length]
            check(crc32c(body) == crc, f"{path}:{at} body")
            check(number == block_number + 1 and first == position, f"{path}:{at} gap")
            check(header[128:160] == previous, f"{path}:{at} chain")
            check(block_epoch >= epoch, f"{path}:{at} epoch")
            inside = 0
            for _ in range(count):
                size = struct.unpack_from("<I", body, inside)[0]
                commits.append(body[inside + 4:inside + 4 + size])
                inside += 4 + size
            check(inside == length, f"{path}:{at} commits")
            block_number, position, epoch = number, first + count, block_epoch
            previous = hashlib.sha256(header + body).digest()
            at += -(-(192 + length) // 512) * 512
    check(block_number == last, f"the log ends at block {block_number}, {last} was durable")
    return block_number, position, previous, commits


def main():
    block_number, position, head, commits = read(pathlib.Path(sys.argv[1]))
    print(f"block {block_number}")
    print(f"next position {position}")
    print(f"head {head.hex()}")
    print(f"root {root(commits).hex()}")
    for number, commit in enumerate(commits, 1):
        print(f"commit {number} {commit.hex()}")


if __name__ == "__main__":
    main()
