//! The page for people.

use super::Page;

/// Everything is in the page itself, so that it looks the same when nothing else can be reached.
const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5c6b7a;--ground:#f6f7f9;--line:#d9dfe5}\
@media(prefers-color-scheme:dark){:root{--ink:#e7ecf1;--soft:#9aa8b6;--ground:#12171d;--line:#2b3540}}\
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);color:var(--ink);\
font:1rem/1.6 system-ui,sans-serif}\
main{max-width:34rem;padding:2rem}\
p.status{margin:0;font-size:4rem;line-height:1;font-weight:200;color:var(--soft)}\
h1{margin:.5rem 0 1rem;font-size:1.5rem;font-weight:600}\
dl{margin:2rem 0 0;padding-top:1rem;border-top:1px solid var(--line);display:grid;\
grid-template-columns:auto 1fr;gap:.2rem 1rem;font-size:.85rem;color:var(--soft)}\
dd{margin:0;font-family:ui-monospace,monospace;overflow-wrap:anywhere}";

pub(super) fn draw(page: &Page<'_>) -> String {
    let status = page.status.as_u16();
    let phrase = page.phrase();
    let advice = advice(status);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n\
         <title>{status} {phrase}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <p class=\"status\">{status}</p>\n<h1>{phrase}</h1>\n<p>{advice}</p>\n\
         <dl>\n<dt>Reason</dt><dd>"
    );
    push_escaped(&mut html, page.reason);
    html.push_str("</dd>\n");
    if let Some(id) = page.request_id {
        html.push_str("<dt>Request id</dt><dd>");
        push_escaped(&mut html, id);
        html.push_str("</dd>\n");
    }
    html.push_str("</dl>\n</main>\n</body>\n</html>\n");
    html
}

/// What the reader can do about it.
fn advice(status: u16) -> &'static str {
    match status {
        401 | 407 => "You have to sign in to see this page.",
        403 => "You are not allowed to see this page. If you should be, ask whoever runs this site.",
        404 => {
            "There is nothing at this address. Look for a slip of the pen in it, or go back and try another way."
        }
        405 => "This address does not take this kind of request.",
        408 => "The request took too long to arrive. Check your connection and try again.",
        413 => "What you sent is larger than this site takes. Try with something smaller.",
        414 | 431 => "The request has too much in it. Removing this site's cookies often helps.",
        429 => "Too many requests came from you. Wait a little and try again.",
        503 => "This site is busy or being looked after. Try again in a few minutes.",
        504 => "The answer took too long. Try again in a moment.",
        500.. => {
            "Something went wrong on our side, not on yours. Try again in a moment; if it stays, tell whoever \
             runs this site what stands below."
        }
        400.. => "The request could not be understood. Go back and try again.",
        _ => "The answer was made by a proxy on the way.",
    }
}

fn push_escaped(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}
