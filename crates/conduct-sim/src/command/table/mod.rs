//! `--table`: what is promised, measured.

mod bulk;
mod detection;
mod majority;
mod sample;
mod size;
mod spread;
mod traffic;
mod truth;

use std::str::FromStr;

/// A part of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    All,
    /// Silent loss of a node until it is unreachable, and until it is replaced.
    Detection,
    /// Cuts: how soon a minority refuses, how soon all is well after the heal.
    Majority,
    /// Verdicts against the living on a network that loses packets.
    FalseDowns,
    /// Bytes on the wire of an idle cluster.
    Traffic,
    /// How soon a change is known everywhere.
    Spread,
    /// A joiner of a full cluster; a hundred thousand cycles.
    Bulk,
    /// Five thousand nodes, and how fast simulations are.
    Size,
}

impl Part {
    const NAMES: [(&'static str, Part); 8] = [
        ("all", Part::All),
        ("detection", Part::Detection),
        ("majority", Part::Majority),
        ("false-downs", Part::FalseDowns),
        ("traffic", Part::Traffic),
        ("spread", Part::Spread),
        ("bulk", Part::Bulk),
        ("size", Part::Size),
    ];
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Part, String> {
        let known = Part::NAMES.iter().find(|(name, _)| *name == text);
        known.map(|(_, part)| *part).ok_or_else(|| {
            let names: Vec<&str> = Part::NAMES.iter().map(|(name, _)| *name).collect();
            format!("no part is called {text:?}; there are {}", names.join(", "))
        })
    }
}

/// A line of the table.
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// What came out.
    pub(crate) measured: f64,
    /// What it must not exceed, or what it must reach.
    pub(crate) target: Target,
    /// In what.
    pub(crate) unit: &'static str,
    /// How often it was measured.
    pub(crate) samples: usize,
}

/// What is promised.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Row {
    fn holds(&self) -> bool {
        match self.target {
            Target::AtMost(limit) => self.measured <= limit,
            Target::AtLeast(limit) => self.measured >= limit,
        }
    }

    fn print(&self) {
        let (sign, limit) = match self.target {
            Target::AtMost(limit) => ("≤", limit),
            Target::AtLeast(limit) => ("≥", limit),
        };
        let verdict = if self.holds() { "" } else { "  MISSED" };
        println!(
            "{:<58} {:>10} {sign} {:<8} {:<12} {:>6}{verdict}",
            self.what,
            shown(self.measured),
            shown(limit),
            self.unit,
            self.samples
        );
    }
}

fn shown(number: f64) -> String {
    if number >= 100.0 || number.fract() == 0.0 {
        format!("{number:.0}")
    } else if number >= 1.0 {
        format!("{number:.2}")
    } else {
        format!("{number:.4}")
    }
}

/// Measures these parts and prints each line as soon as it is known. Whether all hold.
pub(crate) fn print(parts: &[Part], samples: u64, threads: usize) -> bool {
    println!(
        "{:<58} {:>10}   {:<8} {:<12} {:>6}",
        "measured", "", "promised", "", "of"
    );
    let wanted = |part| parts.contains(&part) || parts.contains(&Part::All);
    let mut holds = true;
    let mut tell = |row: Row| {
        row.print();
        holds &= row.holds();
    };
    if wanted(Part::Detection) {
        detection::measure(samples, threads, &mut tell);
    }
    if wanted(Part::Majority) {
        majority::measure(samples, threads, &mut tell);
    }
    if wanted(Part::FalseDowns) {
        truth::measure(samples, threads, &mut tell);
    }
    if wanted(Part::Traffic) {
        traffic::measure(&mut tell);
    }
    if wanted(Part::Spread) {
        spread::measure(samples, threads, &mut tell);
    }
    if wanted(Part::Bulk) {
        bulk::measure(&mut tell);
    }
    if wanted(Part::Size) {
        size::measure(&mut tell);
    }
    holds
}
