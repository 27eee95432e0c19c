//! The program from outside: tiny trainings, their judgement, export, and what is refused.

mod bad_input;
mod classifying;
mod exchanging;
mod quantising;
mod segmenting;
mod support;
