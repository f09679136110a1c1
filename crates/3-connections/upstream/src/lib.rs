//! One peer model and one retry core.
