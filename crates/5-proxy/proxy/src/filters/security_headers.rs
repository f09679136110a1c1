//! Tells browsers to be careful.

use std::time::Duration;

use gorge_error::Result;
use gorge_filter::{Exchange, Filter, Hooks, Role, Scheme};
use gorge_http::{Known, ResponseHead, list};

use super::{internal, refuse};

/// Tells browsers to be careful, with every response:
///
/// | field | default |
/// |---|---|
/// | `X-Content-Type-Options` | `nosniff` |
/// | `X-Frame-Options` | `DENY` |
/// | `Referrer-Policy` | `strict-origin-when-cross-origin` |
/// | `Strict-Transport-Security` (RFC 6797) | `max-age=31536000`, one year; over https only |
/// | `Content-Security-Policy` | none |
///
/// What the upstream has set itself stays, unless [`replace`](Self::replace) says otherwise.
///
/// ```
/// use gorge_proxy::{Proxy, filters::SecurityHeaders};
/// use gorge_upstream::Peer;
///
/// let careful = SecurityHeaders::new()
///     .frame_options(Some("SAMEORIGIN"))?
///     .content_security_policy(Some("default-src 'self'"))?;
/// let proxy = Proxy::builder().filter(careful).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SecurityHeaders {
    nosniff: bool,
    frame_options: Option<String>,
    referrer_policy: Option<String>,
    content_security_policy: Option<String>,
    hsts: Option<Duration>,
    hsts_subdomains: bool,
    hsts_text: String,
    replace: bool,
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Default for SecurityHeaders {
    fn default() -> Self {
        Self::new()
    }
}

impl SecurityHeaders {
    /// As the table says.
    #[must_use]
    pub fn new() -> Self {
        Self {
            nosniff: true,
            frame_options: Some("DENY".to_owned()),
            referrer_policy: Some("strict-origin-when-cross-origin".to_owned()),
            content_security_policy: None,
            hsts: None,
            hsts_subdomains: false,
            hsts_text: String::new(),
            replace: false,
        }
        .hsts(Some(YEAR))
    }

    /// Whether browsers are kept from guessing types. Default true.
    #[must_use]
    pub fn nosniff(mut self, nosniff: bool) -> Self {
        self.nosniff = nosniff;
        self
    }

    /// Who may show the page in a frame. `None`: no such field.
    ///
    /// # Errors
    /// It is neither `DENY` nor `SAMEORIGIN`.
    pub fn frame_options(mut self, value: Option<&str>) -> Result<Self> {
        if let Some(value) = value.filter(|value| !matches!(*value, "DENY" | "SAMEORIGIN")) {
            return Err(refuse(format!("X-Frame-Options is \"DENY\" or \"SAMEORIGIN\", not {value:?}")));
        }
        self.frame_options = value.map(str::to_owned);
        Ok(self)
    }

    /// How much of the address goes to sites that a page links to. `None`: no such field.
    ///
    /// # Errors
    /// It is none of the policies that there are, nor a list of them.
    pub fn referrer_policy(mut self, value: Option<&str>) -> Result<Self> {
        const POLICIES: [&str; 8] = [
            "no-referrer",
            "no-referrer-when-downgrade",
            "origin",
            "origin-when-cross-origin",
            "same-origin",
            "strict-origin",
            "strict-origin-when-cross-origin",
            "unsafe-url",
        ];
        if let Some(value) = value
            && let Some(wrong) = value.split(',').map(str::trim).find(|policy| !POLICIES.contains(policy))
        {
            return Err(refuse(format!(
                "{wrong:?} is no Referrer-Policy; there are {}",
                POLICIES.join(", ")
            )));
        }
        self.referrer_policy = value.map(str::to_owned);
        Ok(self)
    }

    /// What a page may load, and from where. `None`, the default: no such field.
    ///
    /// # Errors
    /// It is empty or has a control character.
    pub fn content_security_policy(mut self, value: Option<&str>) -> Result<Self> {
        if value.is_some_and(|value| value.trim().is_empty() || !list::is_value(value.as_bytes())) {
            return Err(refuse("a Content-Security-Policy is one line of text"));
        }
        self.content_security_policy = value.map(str::to_owned);
        Ok(self)
    }

    /// For how long browsers are to come by https only, in whole seconds; zero makes them forget it.
    /// `None`: no such field.
    #[must_use]
    pub fn hsts(mut self, max_age: Option<Duration>) -> Self {
        self.hsts = max_age;
        self.write_hsts()
    }

    /// Whether that holds for all hosts below this one. Default false, for it shuts out those that do not
    /// speak https.
    #[must_use]
    pub fn hsts_subdomains(mut self, included: bool) -> Self {
        self.hsts_subdomains = included;
        self.write_hsts()
    }

    /// Replaces what the upstream has set.
    #[must_use]
    pub fn replace(mut self) -> Self {
        self.replace = true;
        self
    }

    fn write_hsts(mut self) -> Self {
        let seconds = self.hsts.unwrap_or_default().as_secs();
        let and_below = if self.hsts_subdomains { "; includeSubDomains" } else { "" };
        self.hsts_text = format!("max-age={seconds}{and_below}");
        self
    }
}

impl<C: Send + 'static> Filter<C> for SecurityHeaders {
    const HOOKS: Hooks = Hooks::RESPONSE;
    const ROLE: Role = Role::Other;

    async fn on_response(&self, x: &mut Exchange<C>, head: &mut ResponseHead) -> Result<()> {
        let headers = &mut head.headers;
        for (name, value) in [
            ("X-Content-Type-Options", self.nosniff.then_some("nosniff")),
            ("X-Frame-Options", self.frame_options.as_deref()),
            ("Referrer-Policy", self.referrer_policy.as_deref()),
            ("Content-Security-Policy", self.content_security_policy.as_deref()),
        ] {
            if let Some(value) = value
                && (self.replace || !headers.contains(name))
            {
                headers.insert(name, value).map_err(internal)?;
            }
        }
        if self.hsts.is_some()
            && x.facts.scheme == Scheme::Https
            && (self.replace || !headers.contains(Known::StrictTransportSecurity))
        {
            headers.insert(Known::StrictTransportSecurity, &self.hsts_text).map_err(internal)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hsts_says_what_was_set() {
        let filter = SecurityHeaders::new();
        assert_eq!(filter.hsts_text, "max-age=31536000");
        let filter = filter.hsts_subdomains(true).hsts(Some(Duration::from_millis(60_900)));
        assert_eq!(filter.hsts_text, "max-age=60; includeSubDomains");
    }

    #[test]
    fn values_that_mean_nothing_are_refused() {
        let new = SecurityHeaders::new;
        assert!(new().frame_options(Some("ALLOW-FROM x")).is_err());
        assert!(new().referrer_policy(Some("none")).is_err());
        assert!(new().referrer_policy(Some("no-referrer, origin")).is_ok());
        assert!(new().content_security_policy(Some("")).is_err());
        assert!(new().content_security_policy(Some("a\r\nX: y")).is_err());
    }
}
