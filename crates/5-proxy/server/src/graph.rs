//! In which order services start.

use gorge_error::{Error, Kind, Result};

/// A service by its name, and the names of those it waits for.
pub(crate) type Node<'a> = (&'a str, &'a [String]);

/// The places of the services in an order in which each comes after those it waits for; beside that
/// the order they were given in.
///
/// # Errors
/// [`Kind::Configuration`] for a name that is missing and for a circle, with the path to it.
pub(crate) fn order(nodes: &[Node<'_>]) -> Result<Vec<usize>> {
    let mut walk = Walk { nodes, marks: vec![Mark::New; nodes.len()], path: Vec::new(), order: Vec::new() };
    for index in 0..nodes.len() {
        walk.visit(index)?;
    }
    Ok(walk.order)
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    OnPath,
    Done,
}

struct Walk<'a> {
    nodes: &'a [Node<'a>],
    marks: Vec<Mark>,
    path: Vec<usize>,
    order: Vec<usize>,
}

impl Walk<'_> {
    /// It goes as deep as the longest chain of services, which somebody wrote down by hand.
    fn visit(&mut self, index: usize) -> Result<()> {
        match self.marks[index] {
            Mark::Done => return Ok(()),
            Mark::OnPath => return Err(self.circle(index)),
            Mark::New => {}
        }
        self.marks[index] = Mark::OnPath;
        self.path.push(index);
        for name in self.nodes[index].1 {
            match self.nodes.iter().position(|(other, _)| other == name) {
                Some(other) => self.visit(other)?,
                None => return Err(self.missing(name)),
            }
        }
        self.path.pop();
        self.marks[index] = Mark::Done;
        self.order.push(index);
        Ok(())
    }

    fn names(&self, path: &[usize]) -> String {
        path.iter().map(|index| self.nodes[*index].0).collect::<Vec<_>>().join(" -> ")
    }

    fn circle(&self, index: usize) -> Error {
        let begin = self.path.iter().position(|on_path| *on_path == index).unwrap_or(0);
        let names = self.names(&self.path[begin..]);
        let first = self.nodes[index].0;
        Error::explain(Kind::Configuration, format!("services wait for each other: {names} -> {first}"))
    }

    fn missing(&self, name: &str) -> Error {
        let names = self.names(&self.path);
        Error::explain(
            Kind::Configuration,
            format!("there is no service `{name}` to wait for: {names} -> {name}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names, and the names they wait for.
    type Services<'a> = &'a [(&'a str, &'a [&'a str])];

    fn ordered(services: Services<'_>) -> Result<Vec<String>> {
        let after: Vec<Vec<String>> =
            services.iter().map(|(_, after)| after.iter().map(ToString::to_string).collect()).collect();
        let nodes: Vec<Node<'_>> =
            services.iter().zip(&after).map(|((name, _), after)| (*name, after.as_slice())).collect();
        Ok(order(&nodes)?.into_iter().map(|index| services[index].0.to_owned()).collect())
    }

    #[test]
    fn each_comes_after_those_it_waits_for() {
        let services: Services<'_> =
            &[("web", &["cache", "db"]), ("cache", &["db"]), ("log", &[]), ("db", &["log"])];
        assert_eq!(ordered(services).unwrap(), ["log", "db", "cache", "web"]);
        assert_eq!(ordered(&[("b", &[]), ("a", &[])]).unwrap(), ["b", "a"]);
        assert_eq!(ordered(&[]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_circle_is_told_with_its_path() {
        let circles: &[(Services<'_>, &str)] = &[
            (&[("a", &["a"])], "a -> a"),
            (&[("a", &["b"]), ("b", &["a"])], "a -> b -> a"),
            (&[("web", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"])], "a -> b -> c -> a"),
        ];
        for (services, path) in circles {
            let error = ordered(services).unwrap_err();
            assert_eq!(error.kind(), Kind::Configuration);
            assert!(error.to_string().ends_with(&format!(": {path}")), "{error}");
        }
    }

    #[test]
    fn a_missing_name_is_told_with_its_path() {
        let error = ordered(&[("web", &["cache"]), ("cache", &["db"])]).unwrap_err();
        assert!(error.to_string().contains("no service `db`"), "{error}");
        assert!(error.to_string().ends_with("web -> cache -> db"), "{error}");
    }
}
