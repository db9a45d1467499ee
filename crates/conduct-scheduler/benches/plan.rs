//! How many instances are placed in a second.

use criterion::{criterion_group, criterion_main};

fn placement(_: &mut criterion::Criterion) {}

criterion_group!(benches, placement);
criterion_main!(benches);
