//! `allow` and `deny`: networks that others cover already.

use std::collections::HashMap;

use gorge::protocols::IpNet;

use crate::config::diagnostic::Diagnostic;
use crate::config::span::{At, Place, Span};

/// Tells of networks that change nothing, and of lists that shut everybody out.
pub(super) fn check(place: &Place, allow: &[At<IpNet>], deny: &[At<IpNet>], found: &mut Vec<Diagnostic>) {
    if let Some(span) = place.value("allow").filter(|_| allow.is_empty() && place.is_sound("allow")) {
        let mistake = Diagnostic::error("an empty `allow` lets nobody in").at(span);
        found.push(mistake.help("name networks, or leave the key out to let in everybody"));
    }
    let before = found.len();
    for network in allow {
        if let Some(by) = cover(deny, network.value) {
            let mistake =
                Diagnostic::warning(format!("{} is denied too, and `deny` comes first", network.value));
            found.push(mistake.label(network.span, "no effect").label(by, "denied here"));
        }
    }
    if !allow.is_empty() && found.len() - before == allow.len() {
        found.truncate(before);
        let mistake = Diagnostic::error("`deny` covers all of `allow`, so nobody is let in");
        let mistake = mistake.at(place.value("allow").unwrap_or(place.span));
        found.push(place.value("deny").map_or(mistake.clone(), |deny| mistake.label(deny, "denied here")));
        return;
    }
    within_one(allow, found);
    within_one(deny, found);
}

/// Tells of networks that another of the same list covers.
pub(super) fn within_one(list: &[At<IpNet>], found: &mut Vec<Diagnostic>) {
    let mut first: HashMap<IpNet, usize> = HashMap::new();
    for (number, network) in list.iter().enumerate() {
        let earlier = *first.entry(network.value).or_insert(number);
        if earlier != number {
            let mistake = Diagnostic::warning(format!("{} is in this list already", network.value));
            found.push(mistake.label(network.span, "again").label(list[earlier].span, "here"));
        }
    }
    for network in list {
        let mut wider = std::iter::successors(network.value.supernet(), IpNet::supernet);
        if let Some(number) = wider.find_map(|wider| first.get(&wider)) {
            let mistake =
                Diagnostic::warning(format!("{} is part of another network of this list", network.value));
            found.push(mistake.label(network.span, "no effect").label(list[*number].span, "covers it"));
        }
    }
}

/// Where the list covers all of a network.
fn cover(list: &[At<IpNet>], network: IpNet) -> Option<Span> {
    list.iter().find(|other| other.value.contains(&network)).map(|other| other.span)
}
