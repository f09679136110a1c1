//! Origins, raw clients and hostile peers for tests.
