//! Random days: whatever happens, S8, S9 and exclusiveness hold after every event, and once the
//! faults stop everything that is wished for comes to run.

use proptest::prelude::*;

use crate::fuzz::{fuzz_script, fuzz_words};
use crate::hash;

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_script_of_faults_breaks_a_rule(
        seed in 0..1_000_000_u64,
        words in prop::collection::vec(any::<u64>(), 0..40),
    ) {
        fuzz_words(seed, &words);
    }
}

/// Scripts that broke something once.
#[test]
fn scripts_that_once_failed_pass() {
    for (seed, words) in WRITTEN_DOWN {
        fuzz_words(*seed, words);
    }
    for seed in [36, 23_542, 23_653] {
        let mut word = seed;
        let words: Vec<u64> = (0..seed % 40)
            .map(|_| {
                word = hash::mix(word);
                word >> 8
            })
            .collect();
        fuzz_words(seed, &words);
    }
}

#[test]
fn any_bytes_are_a_script() {
    for bytes in [
        &b""[..],
        b"x",
        b"\xff\xff\xff\xff\xff",
        b"the quick brown fox",
    ] {
        fuzz_script(bytes);
    }
}

/// Plays as many scripts as `SCRIPTS` says, from `FROM` on: for whoever looks for trouble.
#[test]
fn explore() {
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|text: String| text.parse().ok())
    };
    let (from, count): (u64, u64) = (number("FROM").unwrap_or(0), number("COUNT").unwrap_or(2));
    for seed in from..from + count {
        let mut word = seed;
        let words: Vec<u64> = (0..seed % 40)
            .map(|_| {
                word = hash::mix(word);
                word >> 8
            })
            .collect();
        println!("seed {seed}");
        fuzz_words(seed, &words);
    }
}

const WRITTEN_DOWN: &[(u64, &[u64])] = &[(
    497_064,
    &[
        6_343_621_896_248_186_717,
        14_240_942_503_178_812_048,
        851_756_591_509_495_906,
        4_455_533_314_592_471_463,
        11_916_212_983_677_084_604,
        8_823_910_092_309_218_174,
        3_590_461_749_381_006_096,
        8_056_856_704_880_851_571,
        18_329_348_827_611_112_951,
    ],
)];
