//! Every example of the user guide does what its page says.

mod docs_guide;

/// One test for each page.
macro_rules! pages {
    ($( $test:ident => $page:literal, )+) => {
        const PAGES: &[&str] = &[$( $page, )+];

        $(
            #[test]
            fn $test() {
                docs_guide::run($page);
            }
        )+
    };
}

pages! {
    access_control => "access_control.md",
    check => "check.md",
    configuration => "configuration.md",
    connect => "connect.md",
    cookbook => "cookbook.md",
    deployment => "deployment.md",
    error_answers => "error_answers.md",
    index => "index.md",
    listeners => "listeners.md",
    logs => "logs.md",
    routes => "routes.md",
    running => "running.md",
    tls => "tls.md",
    troubleshooting => "troubleshooting.md",
    upstreams => "upstreams.md",
}

/// The page of all keys is written from the code, and checked where that is done.
const GENERATED: &str = "reference.md";

#[test]
fn no_page_is_left_out() {
    let mut pages = docs_guide::pages();
    pages.retain(|page| page != GENERATED);
    assert_eq!(pages, PAGES);
}
