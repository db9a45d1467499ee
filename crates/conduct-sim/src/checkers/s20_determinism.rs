//! S20: the same seed is the same run, down to the last byte.

/// Compares what two runs of one seed came to.
pub fn same_run(seed: u64, one: u64, other: u64) -> Result<(), String> {
    if one == other {
        Ok(())
    } else {
        Err(format!(
            "s20_determinism: seed {seed} ran to {one:016x} and then to {other:016x}"
        ))
    }
}
