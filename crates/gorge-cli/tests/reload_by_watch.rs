//! `watch = true`: the file is followed, however it is replaced, and never half.

mod served;

use std::fs::OpenOptions;
use std::io::Write;

use served::{GET, HEAD, Served, until};

fn says(text: &str) -> String {
    let head = HEAD.replace("[[listen]]", "watch = true\n[[listen]]");
    format!("{head}[[route]]\nrespond = {{ text = \"{text}\" }}\n")
}

#[test]
fn a_file_that_is_renamed_over_it_is_taken() {
    let served = Served::start(&says("old"));
    served.addr();
    served.write(&says("new"));
    served.program.err().wait_for("info reloaded in ");
    assert_eq!(served.ask(GET).text(), "new");
}

#[test]
fn a_file_that_is_written_in_place_is_taken_once_it_is_whole() {
    let served = Served::start(&says("old"));
    served.addr();
    let mut file = OpenOptions::new().write(true).truncate(true).open(served.file()).unwrap();
    // Half of it would be a mistake, and the mistake would be told.
    let text = says("new");
    let (one, two) = text.split_at(text.len() / 2);
    file.write_all(one.as_bytes()).unwrap();
    file.write_all(two.as_bytes()).unwrap();
    drop(file);
    served.program.err().wait_for("info reloaded in ");
    assert_eq!(served.ask(GET).text(), "new");
    assert!(!served.program.err().text().contains("not reloaded"), "{}", served.program.err().text());
}

#[test]
fn a_mistake_is_told_once_and_mended_by_the_next() {
    let served = Served::start(&says("old"));
    served.addr();
    served.write("[[route]\n");
    served.program.err().wait_for("not reloaded, the configuration stays");
    assert_eq!(served.ask(GET).text(), "old");
    served.write(&says("new"));
    served.program.err().wait_for("info reloaded in ");
    let told = served.program.err().text().matches("not reloaded").count();
    assert_eq!(told, 1, "{}", served.program.err().text());
}

#[test]
fn watching_is_switched_on_and_off_by_the_file_itself() {
    let served = Served::start(&says("old").replace("watch = true", "watch = false"));
    served.addr();
    served.reload(&says("watched"));
    served.write(&says("unwatched").replace("watch = true", "watch = false"));
    until("it is followed once more", || served.ask(GET).text() == "unwatched");
    std::fs::remove_file(served.file()).unwrap();
    assert_eq!(served.ask(GET).text(), "unwatched");
}
