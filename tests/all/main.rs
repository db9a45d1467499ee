//! What holds for the whole project.

mod architecture;
mod chirper;
mod samples;
mod tools;
