//! S14: what is executed hashes to what was acknowledged.

use super::Report;
use crate::watch::{Fact, Look};

const NAME: &str = "s14_digest";

pub(crate) fn fact(look: &Look<'_>, fact: &Fact<'_>, report: &mut Report<'_>) {
    if let Fact::Forked {
        host,
        instance,
        rotten: true,
    } = *fact
    {
        let bundle = look
            .truth
            .real(instance, host)
            .map(|real| look.bundle_name(real.bundle));
        let bundle = bundle.unwrap_or_default();
        report.object(NAME, format!("n{host} runs damaged bytes as {bundle}"));
    }
}
