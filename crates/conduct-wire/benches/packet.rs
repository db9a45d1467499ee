//! Writing and reading packets, as a node does hundreds of times a second.

use std::hint::black_box;

use bytes::Bytes;
use conduct_wire::{DATAGRAM_BYTES_MAX, FRAME_BYTES_MAX, codec, packet};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// About what a member's state in a gossip message is.
type Member = ([u8; 32], u64, u64, u8);

fn members(count: usize) -> Vec<Member> {
    (0..count)
        .map(|i| ([i as u8; 32], i as u64, 1_u64 << (i % 60), (i % 4) as u8))
        .collect()
}

fn messages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    for count in [3, 100, 1_000] {
        let message = members(count);
        let bytes = codec::encode(&message);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_with_input(
            BenchmarkId::new("encode", count),
            &message,
            |bench, message| {
                bench.iter(|| codec::encode(black_box(message)));
            },
        );
        group.bench_with_input(BenchmarkId::new("decode", count), &bytes, |bench, bytes| {
            bench.iter(|| codec::decode::<Vec<Member>>(black_box(bytes)));
        });
    }
    group.finish();
}

fn packets(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("packet");
    let body = [7; 120];
    for (name, limit, count) in [
        ("datagram", DATAGRAM_BYTES_MAX, 8),
        ("frame", FRAME_BYTES_MAX, 1_000),
    ] {
        let write = || -> Bytes {
            let mut writer = packet::PacketWriter::new(limit);
            for kind in 0..count {
                assert!(writer.section(kind, black_box(&body)));
            }
            writer.finish()
        };
        let bytes = write();
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::new("write", name), |bench| bench.iter(write));
        group.bench_with_input(BenchmarkId::new("read", name), &bytes, |bench, bytes| {
            bench.iter(|| packet::read(black_box(bytes)));
        });
    }
    group.finish();
}

criterion_group!(benches, messages, packets);
criterion_main!(benches);
