//! Bodies for fuzzers: any bytes go in, and no rule may break.
