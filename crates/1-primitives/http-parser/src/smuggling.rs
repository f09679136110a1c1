#![doc = include_str!("smuggling.md")]
