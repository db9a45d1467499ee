//! What holds for the whole project.

mod architecture;
mod chirper;
mod ingress_guide;
mod samples;
mod tools;
